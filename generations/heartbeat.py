"""What this process is working on: keeps the leases of all that with one thread, and gives them up when it leaves."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from psycopg_pool import PoolTimeout

from generations import lifecycle
from generations.models import Generation

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """One claimed generation, since `began_at` on the monotonic clock."""

    generation: Generation
    began_at: float = field(default_factory=time.monotonic)

    @property
    def is_overdue(self) -> bool:
        """Every call has a total shorter than the lease, so this one hangs, and nobody knows how to stop it."""
        return time.monotonic() - self.began_at > settings.LEASE_S


_working: dict[tuple[int, int], Work] = {}
_lock = threading.Lock()
_thread: threading.Thread | None = None


@contextmanager
def beating(generation: Generation) -> Iterator[None]:
    """Renews the lease every settings.LEASE_RENEW_S while the block runs, for as long as a call may take."""
    slot = (generation.pk, generation.claim)
    with _lock:
        _working[slot] = Work(generation)
    _ensure_thread()
    try:
        yield
    finally:
        with _lock:
            _working.pop(slot, None)


def working() -> list[Work]:
    with _lock:
        return list(_working.values())


def _ensure_thread() -> None:
    global _thread  # noqa: PLW0603 - one thread per process; a forked child needs its own
    with _lock:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_beat_forever, name="heartbeat", daemon=True)
            _thread.start()


def _beat_forever() -> None:
    pause = threading.Event()
    while not pause.wait(settings.LEASE_RENEW_S):
        beat()


def beat() -> None:
    """One renewal of every lease whose work may still end; a database that is away is tried again at the next."""
    for work in working():
        if work.is_overdue:
            continue
        try:
            lifecycle.renew(work.generation)
        except (DatabaseError, PoolTimeout) as error:
            logger.warning("%s: the lease could not be renewed: %s", work.generation, error)
    _leave_database()


def surrender() -> int:
    """Ends the leases of all that is still worked on, so that others need not wait for that; how many."""
    left = working()
    for work in left:
        try:
            lifecycle.end_lease(work.generation)
        except (DatabaseError, PoolTimeout) as error:
            logger.warning("%s: the lease ends by itself: %s", work.generation, error)
    _leave_database()
    return len(left)


def _leave_database() -> None:
    if not connection.in_atomic_block:
        connection.close()
