"""What this process is working on: keeps the leases of all that with one thread, and gives them up when it leaves."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from psycopg_pool import PoolTimeout

from accounts.residents import Resident
from generations import lifecycle
from generations.models import Generation

logger = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Work:
    """What one thread is doing; `generation` None until it has claimed one. `call_began_at`: monotonic."""

    generation: Generation | None = None
    call_began_at: float | None = None

    @property
    def hangs(self) -> bool:
        """Every call has a total shorter than the lease: this one does not end, and nobody knows how to stop it."""
        began_at = self.call_began_at
        return began_at is not None and time.monotonic() - began_at > settings.LEASE_S

    @contextmanager
    def calling(self) -> Iterator[None]:
        """While the upstream has it. Storing and settling afterwards take their time and hang nowhere."""
        self.call_began_at = time.monotonic()
        try:
            yield
        finally:
            self.call_began_at = None


_working: set[Work] = set()
_lock = threading.Lock()
_closed = threading.Event()


@contextmanager
def at_work() -> Iterator[Work]:
    """Renews the lease of what the block claims, every settings.LEASE_RENEW_S, unless its call hangs."""
    work = Work()
    with _lock:
        _working.add(work)
    _thread.ensure()
    try:
        yield work
    finally:
        with _lock:
            _working.discard(work)


def working() -> list[Work]:
    with _lock:
        return list(_working)


def _beat_forever() -> None:
    pause = threading.Event()
    while not pause.wait(settings.LEASE_RENEW_S):
        beat()


_thread = Resident(_beat_forever, "heartbeat")


def beat() -> None:
    """One renewal of every lease whose work may still end; a database that is away is tried again at the next."""
    for generation in [work.generation for work in working() if not work.hangs]:
        if generation is None:
            continue
        try:
            lifecycle.renew(generation)
        except (DatabaseError, PoolTimeout) as error:
            logger.warning("%s: the lease could not be renewed: %s", generation, error)
    _leave_database()


# --- Leaving ------------------------------------------------------------------------------------


def close() -> None:
    """From now on this process takes up nothing new."""
    _closed.set()


def is_closed() -> bool:
    return _closed.is_set()


def surrender() -> int:
    """Ends the leases of all that is still worked on, so that others need not wait for that; how many."""
    left = [work.generation for work in working() if work.generation is not None]
    for generation in left:
        try:
            lifecycle.end_lease(generation)
        except (DatabaseError, PoolTimeout) as error:
            logger.warning("%s: the lease ends by itself: %s", generation, error)
    _leave_database()
    return len(left)


def _leave_database() -> None:
    if not connection.in_atomic_block:
        connection.close()
