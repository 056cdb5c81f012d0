from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.access import Access
from accounts.models import Organization
from billing import audit
from generations import calls, exchange, intake, poller, polling
from tests.generations.at_upstreams.driving import FORMATS, open_attempts
from tests.generations.kept_images import keep_images_in
from tests.makers import (
    an_access,
    an_organization,
)
from tests.upstreams.running import Up, running
from tests.waiting import wait_until


@pytest.fixture(scope="package")
def ups() -> Iterator[dict[str, Up]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(running(name)) for name in FORMATS}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Pauses that are seconds for real upstreams. What is not to happen has its time, on a loaded machine too."""
    settings.CALL_TOTAL_S = 10.0
    monkeypatch.setattr(exchange, "FIRST_QUESTION_S", 0.02)
    monkeypatch.setattr(exchange, "STORE_AGAIN_S", 0.1)
    monkeypatch.setattr(intake, "PAUSE_S", 0.05)
    monkeypatch.setattr(polling, "FIRST_S", 0.05)
    monkeypatch.setattr(polling, "LOOK_UP_S", 0.1)
    monkeypatch.setattr(polling, "LONGEST_AFTER_END_S", 0.2)
    monkeypatch.setattr(poller, "ROUND_S", 0.02)
    monkeypatch.setattr("generations.routing.BUSY_WAIT_S", (0.1, 0.1, 0.2))
    monkeypatch.setattr("generations.doorbell._silent_until", float("inf"))


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    keep_images_in(tmp_path, settings)
    return tmp_path


@pytest.fixture
def organization(committed_db: None, folder: Path) -> Iterator[Organization]:
    yield an_organization(1000)
    # What still goes on must not reach into the next test's database.
    wait_until(lambda: not open_attempts(), "every attempt to be closed", timeout_s=60)
    carrier = calls.here()  # who left a place looks for the next order, others wait for another try
    wait_until(lambda: not carrier._tasks and not carrier._idlers, "the calls of this process to end")
    with connection.cursor() as cursor:
        assert audit.check(cursor) == []


@pytest.fixture
def access(organization: Organization) -> Access:
    return an_access(organization)
