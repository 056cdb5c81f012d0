"""Upstreams that say there is news: it shortens the wait, and nothing else."""

import time
from collections.abc import Callable
from functools import partial

import pytest

from tests.faults.books import assert_books_are_right
from tests.faults.upstreams.conftest import Case, attempts_of, give_time, task
from tests.makers import settlements_of
from tests.shop import RunningShop
from tests.upstreams.running import Up
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("postgresql")
FORMATS = ("fal", "replicate", "wavespeed")
MODES = ("", "up:webhook=twice", "up:webhook=early", "up:webhook=forged", "up:webhook=none")


@pytest.fixture(scope="module")
def ended(
    shop: RunningShop, ups: dict[str, Up], a_case: Callable[[], Case]
) -> dict[tuple[str, str], tuple[Case, str]]:
    """One order for each format and each habit of its webhooks."""
    orders = {}
    for name in FORMATS:
        for mode in MODES:
            case = a_case()
            case.upstream(ups[name], uses_webhooks=True)
            orders[name, mode] = case, give_time(case.order(f"a lighthouse {mode}"))
    wait_until(lambda: all(task(task_id).has_ended for _, task_id in orders.values()), "all to end", 120)
    return orders


def sent(up: Up, task_id: str) -> list[int]:
    """What our shop answered to the webhooks of this order."""
    return [hook["status"] for hook in up.sent() if f"/{task_id}/" in hook["url"]]


def has_sent(up: Up, task_id: str, count: int) -> bool:
    return len(sent(up, task_id)) >= count


def test_every_order_succeeds_once_whatever_its_webhooks_do(
    ended: dict[tuple[str, str], tuple[Case, str]],
) -> None:
    for what, (_case, task_id) in ended.items():
        assert (what, task(task_id).status) == (what, "succeeded")
        assert settlements_of(task(task_id)) == ["capture"], what
        assert [attempt.outcome for attempt in attempts_of(task_id)] == ["ok"], what
    assert_books_are_right()


def test_genuine_ones_are_accepted_and_forged_ones_refused(
    ups: dict[str, Up], ended: dict[tuple[str, str], tuple[Case, str]]
) -> None:
    expected = {"": [200], "up:webhook=twice": [200, 200], "up:webhook=early": [200], "up:webhook=none": []}
    for (name, mode), (_case, task_id) in ended.items():
        wanted = expected.get(mode, [401])
        # The order may have ended before what was sent of it was answered.
        wait_until(partial(has_sent, ups[name], task_id, len(wanted)), f"what {name} sends")
        assert sent(ups[name], task_id) == wanted, (name, mode)


def test_a_webhook_brings_the_next_question_forward(
    ended: dict[tuple[str, str], tuple[Case, str]],
) -> None:
    """What is asked about for the first time after a second ends before that, when it was told of: one of them also
    while the machine has much else to do.
    """
    assert min(took_s(ended[name, "up:webhook=none"][1]) for name in FORMATS) >= 1.0
    assert min(took_s(ended[name, ""][1]) for name in FORMATS) < 1.0


def took_s(task_id: str) -> float:
    """From when its upstream had it to its end."""
    [attempt] = attempts_of(task_id)
    assert attempt.accepted_at is not None
    assert attempt.finished_at is not None
    return (attempt.finished_at - attempt.accepted_at).total_seconds()


def test_nobody_else_can_make_us_ask(
    shop: RunningShop, ups: dict[str, Up], a_case: Callable[[], Case]
) -> None:
    case = a_case()
    case.upstream(ups["wavespeed"], uses_webhooks=True)
    task_id = give_time(case.order("a lighthouse up:late=3 up:webhook=none"))
    wait_until(lambda: attempts_of(task_id) and attempts_of(task_id)[0].accepted_at, "it to be accepted")
    path = f"/hooks/upstream/{task_id}/1"
    due = attempts_of(task_id)[0].poll_at
    headers = {"webhook-id": "1", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v3,00"}
    refusals = [
        case.ask("POST", path, body={"id": "x"})[0],
        case.ask(
            "POST",
            path,
            body={"id": "x"},
            **{name.replace("-", "_"): value for name, value in headers.items()},
        )[0],
        case.ask("POST", f"/hooks/upstream/{task_id}/2", body={})[0],
        case.ask("POST", f"/hooks/upstream/{task_id}/99999999999", body={})[0],
        case.ask("POST", "/hooks/upstream/task_00000000000000000000000000/1", body={})[0],
        case.ask("GET", path)[0],
    ]
    assert refusals == [401, 401, 404, 404, 404, 405]
    later = attempts_of(task_id)[0]
    assert later.outcome or (later.poll_at or due) >= due  # type: ignore[operator]  # both are times here
    wait_until(lambda: task(task_id).has_ended, "it to end", 120)
