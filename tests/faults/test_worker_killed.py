"""kill -9 of the worker, or its long absence, in the middle of upstream calls: every task is settled once."""

import signal
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from generations.models import Attempt, Generation
from tests import scale
from tests.faults.books import CREDITS, a_customer, assert_books_are_right, task, wait_until_all_have_ended
from tests.makers import PRICE_CREDITS, age, settlements_of, wallet_of
from tests.processes import frozen
from tests.shop import RunningShop, start
from tests.upstream.running import RunningUpstream, running_upstream
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("postgresql")

TASKS = 20
CALL_S = scale.count(1, 20)


@pytest.fixture(scope="module")
def upstream() -> Iterator[RunningUpstream]:
    with running_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def shop(
    kept_db: None, upstream: RunningUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningShop]:
    """With the product's own leases, and in the proof with all of its numbers."""
    folder = tmp_path_factory.mktemp("shop")
    quick = {} if scale.PROOF else {"SWEEP_S": "0.3", "SHORT_PAUSES": "1"}
    with start(folder, WORKER_CONCURRENCY=str(TASKS + 4), **quick, **upstream.environment) as shop:
        yield shop


def end_leases(*task_ids: str) -> None:
    for task_id in task_ids:
        age(task(task_id), lease_until=0.001)


def calls_for(upstream: RunningUpstream, task_ids: list[str]) -> Counter[str]:
    return Counter(key for key in upstream.calls() if key.partition(":")[0] in task_ids)


def outcomes_of(task_ids: list[str]) -> list[tuple[int, str]]:
    return list(Attempt.objects.filter(generation__task_id__in=task_ids).values_list("number", "outcome"))


def test_calls_lost_with_their_worker_are_repeated_under_their_keys_and_settled_once(
    shop: RunningShop, upstream: RunningUpstream
) -> None:
    organization, key = a_customer()
    tasks = [shop.order(key, f"upstream:late={CALL_S}") for _ in range(TASKS)]
    wait_until(lambda: calls_for(upstream, tasks).total() == TASKS, "all to be called", timeout_s=60)
    shop.worker().send_signal(signal.SIGKILL)
    killed_at = time.monotonic()
    if not scale.PROOF:  # which waits for that minute
        end_leases(*tasks)
    lost = Generation.objects.filter(task_id__in=tasks, claim=1, finished_at=None)
    wait_until(lambda: not lost.exists(), "all to run again", timeout_s=120)
    scale.record(
        "kill -9 of the worker to its last task running again", time.monotonic() - killed_at, "s", 90
    )
    wait_until_all_have_ended(timeout_s=120)

    assert {task(task_id).status for task_id in tasks} == {"succeeded"}
    # Driven again under the number, and so the idempotency key, of the attempt whose outcome was lost.
    assert calls_for(upstream, tasks) == {f"{task_id}:1": 2 for task_id in tasks}
    assert outcomes_of(tasks) == [(1, "ok")] * TASKS
    assert wallet_of(organization)[:3] == (CREDITS - TASKS * PRICE_CREDITS, 0, 0)
    assert_books_are_right()


def test_upstream_that_answers_twice_is_paid_and_shown_once(
    shop: RunningShop, upstream: RunningUpstream
) -> None:
    """A worker stands still in its call until its lease is over; another ends the task; then it goes on."""
    organization, key = a_customer()
    task_id = shop.order(key, f"upstream:late={CALL_S}")
    wait_until(lambda: calls_for(upstream, [task_id]), "the call", timeout_s=30)
    with frozen(shop.worker()), shop.another("worker"):
        end_leases(task_id)
        wait_until(lambda: task(task_id).has_ended, "the other worker to end it", timeout_s=180)
        assert task(task_id).status == "succeeded"
        assert calls_for(upstream, [task_id]) == {f"{task_id}:1": 2}
        assert shop.files_of(task_id) == ["2/0.jpeg"]
        folder = shop.data_dir / "images" / task_id
        untouched = folder.stat().st_mtime_ns
    wait_until(lambda: folder.stat().st_mtime_ns != untouched, "the first answer to be stored", timeout_s=30)
    wait_until(lambda: shop.files_of(task_id) == ["2/0.jpeg"], "the late file to be removed", timeout_s=30)

    generation = task(task_id)
    assert settlements_of(generation) == ["capture"]
    assert [image.storage_key for image in generation.images.all()] == [f"{task_id}/2/0.jpeg"]
    assert outcomes_of([task_id]) == [(1, "ok")]
    assert wallet_of(organization)[:3] == (CREDITS - PRICE_CREDITS, 0, 0)
    assert_books_are_right()
