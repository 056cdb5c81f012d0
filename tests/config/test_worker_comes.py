"""A worker that has come says so, and asks upstreams by itself if it hears the rings for that; one that is told to stop
says so before anything else.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from celery import signals
from celery.app.amqp import Queues
from pytest_django import Settings

from config import worker
from generations import doorbell, heartbeat, poller
from webhooks import courier


class Consumer:
    """What Celery sends the signal with, as far as it is looked at."""

    def __init__(self, queues: Queues) -> None:
        self.app = SimpleNamespace(amqp=SimpleNamespace(queues=queues))


@pytest.fixture
def come(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> Callable[[list[str]], bool]:
    """Lets one come that hears these queues: whether it says that it is ready, and looks for calls that hang."""
    settings.READY_FILE = str(tmp_path / "ready")
    looks = threading.Event()
    monkeypatch.setattr(worker, "_leave_when_a_call_hangs", looks.set)
    monkeypatch.setattr(doorbell, "ask_here", None)
    monkeypatch.setattr(doorbell, "asks_at_once", False)

    def come(names: list[str]) -> bool:
        queues = Queues(settings.CELERY_TASK_QUEUES)
        queues.select(names)
        signals.worker_ready.send(sender=Consumer(queues))
        return looks.wait(10) and (tmp_path / "ready").exists()

    return come


@pytest.mark.parametrize(
    ("queues", "asks"),
    [(["default", "poll", "webhooks"], True), (["poll"], True), (["default"], False), (["gpu"], False)],
)
def test_who_hears_of_questions_asks_by_itself(
    come: Callable[[list[str]], bool], monkeypatch: pytest.MonkeyPatch, queues: list[str], asks: bool
) -> None:
    woken = threading.Event()

    def wake() -> bool:
        woken.set()
        return True

    monkeypatch.setattr(poller, "wake", wake)
    assert come(queues)
    assert woken.is_set() is asks
    assert doorbell.asks_at_once is asks
    assert doorbell.ask_here is wake, "When the broker is away, nobody else hears of it"


def test_one_without_a_way_out_is_there_for_what_needs_none(
    come: Callable[[list[str]], bool], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_way_out() -> bool:
        raise RuntimeError("Calls to upstreams cannot be made here")

    monkeypatch.setattr(poller, "wake", no_way_out)
    assert come(["default", "poll"])
    assert "cannot be made here" in caplog.text


def test_one_that_is_told_to_stop_is_not_ready_and_takes_nothing_more(
    come: Callable[[list[str]], bool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    graces = threading.Semaphore(0)
    monkeypatch.setattr(worker, "_leave_after_grace", graces.release)
    monkeypatch.setattr(heartbeat, "_closed", threading.Event())
    monkeypatch.setattr(courier, "leave", lambda: None)  # the one of this process has other tests to serve
    assert come(["default"])
    for _ in range(2):  # told twice, it leaves no later than it would have
        signals.worker_shutting_down.send(sender="worker1@here", sig="SIGTERM", how="Warm", exitcode=0)
        assert not (tmp_path / "ready").exists()
        assert heartbeat.is_closed()
        assert graces.acquire(timeout=10)
