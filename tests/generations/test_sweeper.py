"""The sweep runs beside the beat, so neither busy workers nor a missing broker can keep it from its work."""

import datetime
import threading
from pathlib import Path

import pytest
from django.db import OperationalError
from pytest_django import Settings

from accounts.api_keys import create_api_key
from accounts.clock import db_now
from billing import audit
from generations import sweeper, sweeps
from generations.models import Generation, Status
from tests.accounts.client import generate, task_of
from tests.cast import Person, new_key
from tests.makers import an_organization, wallet_of
from tests.shop import start
from tests.waiting import wait_until


@pytest.mark.everyday_on("postgresql")
def test_busy_worker_keeps_no_order_from_its_deadline(committed_db: None, tmp_path: Path) -> None:
    busy = {"WORKER_CONCURRENCY": "1", "SANDBOX_SECONDS": "30", "DEADLINE_S": "2", "SWEEP_S": "0.2"}
    studio = an_organization(1000)
    key = create_api_key(studio, livemode=True)[1]
    with start(tmp_path, **busy) as shop:
        assert {answer["status"] for answer in shop.post_at_once(3, key)} == {200}
        wait_until(lambda: wallet_of(studio)[:3] == (1000, 0, 0), "all to be released", timeout_s=25)
        assert audit.check_snapshot() == []


def test_sweep_goes_on_after_one_that_failed(
    committed_db: None, alice: Person, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SWEEP_S = 0.05
    stop = threading.Event()
    failures = iter([OperationalError("away"), ValueError("a bug")])

    def fail_at_first() -> None:
        for failure in failures:
            raise failure
        sweeps.sweep()
        stop.set()

    monkeypatch.setattr(sweeper, "SWEEPS", (fail_at_first,))
    task = task_of(generate(new_key(alice)[1]))
    Generation.objects.update(deadline_at=db_now() - datetime.timedelta(seconds=5))
    thread = sweeper.start(stop)
    thread.join(30)
    assert not thread.is_alive()
    assert Generation.objects.get(task_id=task).status == Status.FAILED
