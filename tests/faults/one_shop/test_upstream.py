"""An upstream that hangs, answers too late, or dies: nobody is charged for what was not delivered."""

from dataclasses import dataclass

import psutil
import pytest

from generations.models import Attempt, Generation
from tests.faults.books import CREDITS, a_customer, assert_books_are_right, task
from tests.makers import age, settlements_of, status_of, wallet_of
from tests.processes import frozen
from tests.shop import RunningShop
from tests.upstream.running import RunningUpstream
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("sqlite")


def attempts_of(generation: Generation) -> list[tuple[int, str]]:
    rows = Attempt.objects.filter(generation=generation).order_by("number")
    return list(rows.values_list("number", "outcome"))


def calls_for(upstream: RunningUpstream, task_id: str) -> list[str]:
    return [key for key in upstream.calls() if key.startswith(f"{task_id}:")]


def wait_until_heard(upstream: RunningUpstream, task_id: str) -> None:
    wait_until(lambda: calls_for(upstream, task_id), "the upstream to hear of it", timeout_s=30)


def wait_until_ended(task_id: str) -> Generation:
    wait_until(lambda: task(task_id).has_ended, "the task to end", timeout_s=60)
    return task(task_id)


@dataclass(frozen=True, slots=True)
class Ordered:
    key: str
    task_id: str


@pytest.fixture(scope="module")
def ordered(shop: RunningShop, upstream: RunningUpstream) -> dict[str, Ordered]:
    """One order for each bad habit of an upstream; all at once, since every one of them takes its time."""
    keys = {word: a_customer()[1] for word in ("hang", "die", "late=1")}
    orders = {word: Ordered(key, shop.order(key, f"upstream:{word}")) for word, key in keys.items()}
    late = orders["late=1"].task_id
    wait_until_heard(upstream, late)
    age(task(late), deadline_at=0.001)
    return orders


def assert_nothing_was_delivered(shop: RunningShop, key: str, generation: Generation) -> None:
    """Neither charged nor shown, and no file is left."""
    assert settlements_of(generation) == ["release"]
    assert wallet_of(generation.organization)[:3] == (CREDITS, 0, 0)
    _, _, body = shop.ask("GET", f"/api/status?task_id={generation.task_id}", key)
    assert (body["data"]["status"], body["data"]["response"]) == ("FAILED", [])
    assert body["data"]["consumed_credits"] == 0
    assert shop.files_of(generation.task_id) == []
    assert_books_are_right()


def test_upstream_that_hangs_is_given_up_and_nobody_pays(
    shop: RunningShop, ordered: dict[str, Ordered]
) -> None:
    generation = wait_until_ended(ordered["hang"].task_id)
    assert (generation.status, generation.error_type) == ("failed", "timeout")
    assert attempts_of(generation) == [(1, "timeout")]
    assert_nothing_was_delivered(shop, ordered["hang"].key, generation)


def test_answer_after_the_deadline_is_neither_charged_nor_shown(
    shop: RunningShop, ordered: dict[str, Ordered]
) -> None:
    generation = wait_until_ended(ordered["late=1"].task_id)
    assert (generation.status, generation.error_type) == ("failed", "timeout")
    wait_until(lambda: attempts_of(generation) == [(1, "late")], "the answer to come")
    assert_nothing_was_delivered(shop, ordered["late=1"].key, generation)


def test_upstream_that_dies_after_each_order_is_given_up_and_nobody_pays(
    shop: RunningShop, upstream: RunningUpstream, ordered: dict[str, Ordered]
) -> None:
    generation = wait_until_ended(ordered["die"].task_id)
    assert (generation.status, generation.error_type) == ("failed", "upstream_unavailable")
    assert calls_for(upstream, generation.task_id) == [f"{generation.task_id}:{n}" for n in (1, 2, 3)]
    assert_nothing_was_delivered(shop, ordered["die"].key, generation)


def test_order_outlives_the_death_of_its_upstream_and_is_paid_once(
    shop: RunningShop, upstream: RunningUpstream
) -> None:
    organization, key = a_customer()
    task_id = shop.order(key, "upstream:late=1")
    wait_until_heard(upstream, task_id)
    with frozen(shop.worker()):  # else it asks three times before the upstream is back
        upstream.kill()
        upstream.start()
    generation = wait_until_ended(task_id)
    assert attempts_of(generation)[0] == (1, "busy")
    assert status_of(generation) == ("succeeded", "")
    assert settlements_of(generation) == ["capture"]
    assert wallet_of(organization)[:3] == (CREDITS - generation.price_credits, 0, 0)
    assert len(shop.files_of(task_id)) == 1
    assert_books_are_right()


def kill_worker(shop: RunningShop) -> None:
    worker = shop.worker()
    worker.kill()
    psutil.wait_procs([worker], timeout=30)


def test_call_lost_with_its_worker_is_not_repeated_where_that_is_forbidden(
    shop: RunningShop, upstream: RunningUpstream
) -> None:
    _, key = a_customer()
    task_id = shop.order(key, "upstream:hang")
    wait_until_heard(upstream, task_id)
    kill_worker(shop)
    age(task(task_id), lease_until=0.001)
    left = Generation.objects.filter(task_id=task_id, lease_until__gte=task(task_id).deadline_at)
    wait_until(left.exists, "a sweep to leave it to its deadline", timeout_s=30)
    served = wait_until_ended(shop.order(key))
    assert status_of(served) == ("succeeded", ""), "The next worker serves others"
    assert status_of(task(task_id)) == ("running", "")

    age(task(task_id), deadline_at=0.001)
    generation = wait_until_ended(task_id)
    assert (generation.status, generation.error_type) == ("failed", "timeout")
    assert settlements_of(generation) == ["release"]
    assert attempts_of(generation) == [(1, "unknown")]
    assert calls_for(upstream, task_id) == [f"{task_id}:1"]
    assert shop.files_of(task_id) == []
    assert_books_are_right()
