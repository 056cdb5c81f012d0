"""Workers that die with orders at upstreams: nothing is lost, nothing is paid for twice, nobody pays for nothing."""

from collections.abc import Callable

import pytest

from generations.models import Attempt
from tests.faults.books import assert_books_are_right
from tests.faults.upstreams.conftest import COST_MICROS, CREDITS, Case, attempts_of, give_time, task
from tests.makers import age, settlements_of, wallet_of
from tests.shop import RunningShop
from tests.upstreams.running import Up
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("postgresql")


def heard(up: Up, task_id: str) -> int:
    """How often the upstream was sent this order."""
    prompt = task(task_id).prompt
    return sum(prompt in str(asked["body"]) for asked in up.log() if asked["method"] == "POST")


def kill_worker(shop: RunningShop) -> None:
    shop.worker().kill()


def ended(task_id: str, timeout_s: float = 120) -> str:
    wait_until(lambda: task(task_id).has_ended, "it to end", timeout_s)
    return task(task_id).status


@pytest.mark.parametrize("name", ["portal", "fal", "replicate", "wavespeed"])
def test_what_an_upstream_has_accepted_survives_the_worker(
    shop: RunningShop, ups: dict[str, Up], a_case: Callable[[], Case], name: str
) -> None:
    case = a_case()
    case.upstream(ups[name])
    task_id = give_time(case.order(f"a lighthouse up:late=2 after {name}"))
    wait_until(lambda: [a for a in attempts_of(task_id) if a.accepted_at], "it to be accepted", 30)
    kill_worker(shop)
    Attempt.objects.filter(generation__task_id=task_id).exclude(poll_token="").update(poll_token="")
    age(attempts_of(task_id)[0], poll_at=0)  # a question that was being put is due again after half a minute
    assert ended(task_id) == "succeeded"
    assert heard(ups[name], task_id) == 1
    assert [(a.outcome, a.cost_micros) for a in attempts_of(task_id)] == [("ok", COST_MICROS)]
    assert settlements_of(task(task_id)) == ["capture"]


def test_after_a_lost_answer_each_upstream_is_treated_as_it_bears(
    shop: RunningShop, ups: dict[str, Up], a_case: Callable[[], Case]
) -> None:
    """The worker dies while four submissions wait for their answers."""
    cases = {name: a_case() for name in ("portal", "openai_compatible", "replicate", "dashscope")}
    for name, case in cases.items():
        case.upstream(ups[name], resends=name == "portal")
    tasks = {name: case.order(f"a lighthouse up:hang from {name}") for name, case in cases.items()}
    wait_until(
        lambda: all(heard(ups[name], task_id) for name, task_id in tasks.items()), "all to be heard", 30
    )
    kill_worker(shop)
    for name, task_id in tasks.items():
        assert ended(task_id) == "failed", name
        assert settlements_of(task(task_id)) == ["release"], name
        assert wallet_of(cases[name].organization)[:2] == (CREDITS, 0), name
    keys = {
        asked["headers"]["idempotency-key"]
        for asked in ups["portal"].log()
        if tasks["portal"] in asked["headers"].get("idempotency-key", "")
    }
    assert keys == {f"{tasks['portal']}:1"}, "Sent again under the same key"
    assert heard(ups["portal"], tasks["portal"]) > 1
    for name in ("openai_compatible", "dashscope"):
        assert heard(ups[name], tasks[name]) == 1, f"Nobody can ask {name}, so it is never sent again"
        assert len(attempts_of(tasks[name])) == 1
    looked = [
        asked for asked in ups["replicate"].log() if asked["path"].partition("?")[0] == "/v1/predictions"
    ]
    assert looked, "It was looked up before it was sent again"
    assert_books_are_right()


def test_an_order_whose_answer_was_lost_is_found_and_made_once(
    shop: RunningShop, ups: dict[str, Up], a_case: Callable[[], Case]
) -> None:
    case = a_case()
    case.upstream(ups["replicate"])
    task_id = case.order("a lighthouse up:crash")  # it takes the order, and closes the connection
    assert ended(task_id) == "succeeded"
    [attempt] = attempts_of(task_id)
    assert (attempt.outcome, attempt.sends) == ("ok", 1)
    assert heard(ups["replicate"], task_id) == 1
    assert_books_are_right()
