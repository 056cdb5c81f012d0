"""Keeps the leases of the generations that this process is working on: one thread for all of them."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from psycopg_pool import PoolTimeout

from generations import lifecycle
from generations.models import Generation

logger = logging.getLogger(__name__)

_working: dict[tuple[int, int], Generation] = {}
_lock = threading.Lock()
_thread: threading.Thread | None = None


@contextmanager
def beating(generation: Generation) -> Iterator[None]:
    """Renews the lease every settings.LEASE_RENEW_S while the block runs."""
    slot = (generation.pk, generation.claim)
    with _lock:
        _working[slot] = generation
    _ensure_thread()
    try:
        yield
    finally:
        with _lock:
            _working.pop(slot, None)


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
    """One renewal of every lease; a database that is away is tried again at the next beat."""
    with _lock:
        working = list(_working.values())
    for generation in working:
        try:
            lifecycle.renew(generation)
        except (DatabaseError, PoolTimeout) as error:
            logger.warning("%s: the lease could not be renewed: %s", generation, error)
    if not connection.in_atomic_block:
        connection.close()
