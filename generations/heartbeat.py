"""Keeps the leases of the generations that this process is working on."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DatabaseError, connection

from generations import lifecycle
from generations.models import Generation

logger = logging.getLogger(__name__)


@contextmanager
def beating(generation: Generation) -> Iterator[None]:
    """Renews the lease every settings.LEASE_RENEW_S while the block runs."""
    done = threading.Event()
    thread = threading.Thread(
        target=_beat, args=(generation, done), name=f"lease-{generation.pk}", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _beat(generation: Generation, done: threading.Event) -> None:
    try:
        while not done.wait(settings.LEASE_RENEW_S):
            try:
                if not lifecycle.renew(generation):
                    return
            except DatabaseError as error:
                logger.warning("%s: the lease could not be renewed: %s", generation.task_id, error)
                connection.close()
    finally:
        connection.close()
