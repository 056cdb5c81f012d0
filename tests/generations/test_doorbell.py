"""A ring goes to Celery when there is a broker, and delays nobody when there is none."""

import functools
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kombu import Connection

from config.celery import app
from generations import doorbell
from tests.waiting import wait_until
from webhooks import doorbell as webhook_doorbell

GONE = "redis://127.0.0.1:1/0"


@contextmanager
def broker(url: str, timeout_s: float = 1) -> Iterator[None]:
    """Rings go there."""
    with (
        pytest.MonkeyPatch.context() as patch,
        Connection(url, transport_options={"socket_timeout": timeout_s, "max_retries": 0}) as there,
    ):
        original: Callable[..., Any] = app.send_task
        patch.setattr(app, "send_task", functools.partial(original, connection=there))
        yield


def test_a_ring_reaches_the_queue_of_the_workers() -> None:
    with broker("memory://ring"), Connection("memory://ring") as there:
        doorbell.publish(7)
        message = there.SimpleQueue(app.conf.task_default_queue).get(timeout=5)
        assert message.headers["task"] == "generations.tasks.run"
        assert message.payload[0] == [7]


def test_every_ring_is_for_a_task_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(app, "send_task", lambda name, *_arguments, **_options: rung.append(name))
    assert doorbell.publish(7)
    assert doorbell.publish(-7)
    assert doorbell.publish_poll()
    assert webhook_doorbell.publish()
    app.loader.import_default_modules()
    assert len(set(rung) & set(app.tasks)) == 4


def test_a_ring_comes_from_a_thread_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()
    monkeypatch.setattr(
        doorbell, "publish", lambda number: heard.put((number, threading.current_thread().name))
    )
    # A thread that an earlier test started may wait with the old function in its hands.
    monkeypatch.setattr(doorbell._thread, "_thread", None)
    monkeypatch.setattr(doorbell, "_waiting", queue.SimpleQueue())
    doorbell.ring(1)
    doorbell.ring(2)
    assert [heard.get(timeout=5) for _ in range(2)] == [(1, "doorbell"), (2, "doorbell")]


@pytest.mark.parametrize(
    ("at_once", "here", "rung"),
    [
        (False, None, [0]),
        (False, lambda: True, [0]),
        (True, lambda: False, [0]),
        (True, lambda: True, []),
    ],
)
def test_who_asks_upstreams_itself_does_not_wait_for_a_ring(
    monkeypatch: pytest.MonkeyPatch, at_once: bool, here: Callable[[], bool] | None, rung: list[int]
) -> None:
    rings: list[int] = []
    monkeypatch.setattr(doorbell, "ring", rings.append)
    monkeypatch.setattr(doorbell, "ask_here", here)
    monkeypatch.setattr(doorbell, "asks_at_once", at_once)
    monkeypatch.setattr(doorbell, "_poll_rung_at", -doorbell.POLL_RINGS_EVERY_S)
    doorbell.ring_poll()
    doorbell.ring_poll()
    assert rings == rung


def test_what_the_broker_tells_nobody_is_asked_by_who_would_have_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = threading.Event()

    def ask() -> bool:
        asked.set()
        return True

    monkeypatch.setattr(doorbell, "ask_here", ask)
    monkeypatch.setattr(doorbell, "asks_at_once", False)
    monkeypatch.setattr(doorbell, "_poll_rung_at", -doorbell.POLL_RINGS_EVERY_S)
    monkeypatch.setattr(doorbell, "_silent_until", float("inf"))
    # A thread that an earlier test started may wait with that test's queue in its hands.
    monkeypatch.setattr(doorbell._thread, "_thread", None)
    monkeypatch.setattr(doorbell, "_waiting", queue.SimpleQueue())
    doorbell.ring(7)
    doorbell.ring_poll()
    assert asked.wait(10)


def test_a_broken_broker_delays_nobody_and_is_left_alone_for_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tries: list[int] = []
    with broker(GONE), pytest.MonkeyPatch.context() as monkeypatch:
        failing: Callable[..., Any] = app.send_task

        def counted(name: str, args: tuple[int], **options: Any) -> Any:
            tries.append(args[0])
            return failing(name, args, **options)

        monkeypatch.setattr(app, "send_task", counted)
        doorbell.publish(1)
        doorbell.publish(2)
        assert tries == [1]
        assert "rings are left to the sweep for 10 s" in caplog.text

        monkeypatch.setattr(doorbell, "_silent_until", time.monotonic())
        doorbell.publish(3)
        assert tries == [1, 3]


def test_ringing_returns_at_once_while_the_broker_hangs(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    monkeypatch.setattr(doorbell._thread, "_thread", None)
    monkeypatch.setattr(doorbell, "_waiting", waiting)
    monkeypatch.setattr(doorbell, "MAX_WAITING", 3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        # The first ring hangs until this test hangs up, and not for a time that a slow machine may outlast.
        with broker(f"redis://127.0.0.1:{server.getsockname()[1]}/0", timeout_s=60):
            doorbell.ring(1)
            silent, _address = server.accept()
            with silent:
                for number in range(2, 100):
                    doorbell.ring(number)
                assert waiting.qsize() == 3  # the rest is left to the sweep, rather than filling the memory
                server.close()
            wait_until(waiting.empty, "the waiting rings to go")
    assert caplog.text.count("The broker is away") == 1
