"""kill -9 of the worker while it works: every task ends all the same, and each is settled once."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from generations.models import Attempt, Generation
from tests import scale
from tests.makers import settlements_of
from tests.shop import RunningShop, start
from tests.waiting import wait_until

TASKS = 20
# Small enough for every day; the proof takes the product's own numbers.
QUICK = {"LEASE_S": "4", "SWEEP_S": "0.5", "SANDBOX_SECONDS": "2.5"}
USUAL = {"SANDBOX_SECONDS": "20"}


@pytest.fixture
def shop(committed_db: None, tmp_path: Path) -> Iterator[RunningShop]:
    changes = USUAL if scale.PROOF else QUICK
    with start(tmp_path, WORKER_CONCURRENCY=str(TASKS + 4), **changes) as shop:
        yield shop


def number(**fields: object) -> int:
    found = Generation.objects.filter(**fields).count()
    connection.close()
    return found


def test_all_tasks_of_a_killed_worker_end_and_are_settled_once(shop: RunningShop) -> None:
    slug = shop.organization("Studio", 1000)
    key = shop.key(slug, "--burst", "100")
    assert {answer["status"] for answer in shop.post_at_once(TASKS, key)} == {200}
    wait_until(lambda: number(status="running", submitted=True) == TASKS, "all to run", timeout_s=30)

    shop.worker().send_signal(signal.SIGKILL)
    killed_at = time.monotonic()
    wait_until(lambda: not number(claim=1, finished_at=None), "all to run again", timeout_s=120)
    scale.record(
        "kill -9 of the worker to its last task running again", time.monotonic() - killed_at, "s", 90
    )
    assert number(claim=2) > 0
    wait_until(lambda: number(status="succeeded") == TASKS, "all to end", timeout_s=120)

    generations = list(Generation.objects.all())
    assert [settlements_of(generation) for generation in generations] == [["capture"]] * TASKS
    # Driven again under the number, and so the idempotency key, of the attempt whose outcome was lost.
    assert list(Attempt.objects.values_list("number", "outcome")) == [(1, "ok")] * TASKS
    assert shop.say("show_wallet", slug) == '{"available":700,"held":0,"owed":0}'
    assert shop.say("check_ledger") == "ok"
