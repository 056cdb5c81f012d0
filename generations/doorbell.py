"""Rings Celery for queued rows, from a thread of its own: a broker that is away must not delay an accept.

A ring may be lost. The row is the work item; the sweep rings again.
"""

import logging
import queue
import time
from collections.abc import Callable
from typing import Final

from celery import current_app

from accounts.residents import Resident

logger = logging.getLogger(__name__)

PAUSE_S = 10.0  # how long a failed broker is left alone; what would have rung is left to the sweep
MAX_WAITING = 10_000

_POLL: Final = 0  # no generation's id
POLL_RINGS_EVERY_S = 1.0

_waiting: "queue.SimpleQueue[int]" = queue.SimpleQueue()
_silent_until = 0.0
_poll_rung_at = -POLL_RINGS_EVERY_S


def ring(generation_id: int) -> None:
    """Returns at once."""
    if _waiting.qsize() < MAX_WAITING:
        _waiting.put(generation_id)
    _thread.ensure()


def ring_gpu(generation_id: int) -> None:
    """For a worker with a GPU. Returns at once."""
    ring(-generation_id)  # no id is below zero


# Where this process can ask upstreams itself: begins, or says False when it is leaving. At once where it hears such
# rings anyway, else when the broker cannot tell others to.
ask_here: Callable[[], bool] | None = None
asks_at_once = False


def ring_poll() -> None:
    """There is something to ask upstreams about. Returns at once. Who may ask does: every thread that could hear a ring
    may be waiting for an upstream. Of the others one ring a second is enough, since who hears it goes on for as long as
    there is something.
    """
    global _poll_rung_at  # noqa: PLW0603 - of this process
    if asks_at_once and ask_here is not None and ask_here():
        return
    now = time.monotonic()
    if now - _poll_rung_at >= POLL_RINGS_EVERY_S:
        _poll_rung_at = now
        ring(_POLL)


def _ring_forever() -> None:
    while True:
        what = _waiting.get()
        if not publish(what) and what == _POLL and ask_here is not None:
            ask_here()


_thread = Resident(_ring_forever, "doorbell")


def publish_poll() -> bool:
    return publish(_POLL)


def _asked_by(generation_id: int) -> tuple[str, tuple[int, ...], str]:
    """Which task, with what, in which queue. By its name: tasks know the lifecycle, which rings."""
    if generation_id == _POLL:
        return "generations.tasks.poll", (), "poll"
    if generation_id < 0:
        return "generations.tasks.make", (-generation_id,), "gpu"
    return "generations.tasks.run", (generation_id,), "default"


def publish(generation_id: int) -> bool:
    """One ring, on the caller's time. False when the broker is broken, which is then left alone for a while."""
    global _silent_until  # noqa: PLW0603 - the breaker of this process
    if time.monotonic() < _silent_until:
        return False
    task, arguments, queue_name = _asked_by(generation_id)
    try:
        current_app.send_task(task, arguments, queue=queue_name, retry=False, ignore_result=True)
    except Exception as error:  # noqa: BLE001 - kombu lets transport errors of every kind through
        _silent_until = time.monotonic() + PAUSE_S
        logger.warning("The broker is away, rings are left to the sweep for %g s: %s", PAUSE_S, error)
        return False
    return True
