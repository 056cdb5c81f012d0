"""Sweeps every settings.SWEEP_S, in a thread beside Celery's beat.

Not as a Celery task: it would stand in line behind the very orders that it has to expire or hand back, and a
broker that is away would stop it. Any number of beats may run.
"""

import logging
import threading

from django.conf import settings
from django.db import connection

from generations import sweeps
from webhooks import sweeps as of_webhooks

logger = logging.getLogger(__name__)

SWEEPS = (sweeps.sweep, of_webhooks.sweep)


def start(stop: threading.Event) -> threading.Thread:
    """Sweeps at once, then again and again until `stop` is set."""
    thread = threading.Thread(target=_sweep_until, args=(stop,), name="sweeper", daemon=True)
    thread.start()
    return thread


def _sweep_until(stop: threading.Event) -> None:
    while not stop.is_set():
        for sweep in SWEEPS:
            try:
                sweep()
            except Exception:
                logger.exception("The sweep failed; the next one makes up for it")
                connection.close()
        stop.wait(settings.SWEEP_S)
    connection.close()
