"""Rings Celery once something is to be sent, from a thread of its own: a broker that is away must not delay who rings.

A ring may be lost. The rows are the work; the sweep rings again.
"""

import logging
import threading
import time

from celery import current_app

from accounts.residents import Resident

logger = logging.getLogger(__name__)

PAUSE_S = 10.0  # how long a failed broker is left alone
# Who hears it sends all that is due, so that many events need few rings.
EVERY_S = 0.1

_wanted = threading.Event()
_silent_until = 0.0


def ring() -> None:
    """Returns at once."""
    _wanted.set()
    _thread.ensure()


def _ring_forever() -> None:
    while True:
        _wanted.wait()
        _wanted.clear()
        publish()
        time.sleep(EVERY_S)


_thread = Resident(_ring_forever, "webhook doorbell")


def publish() -> bool:
    """One ring, on the caller's time. False when the broker is broken, which is then left alone for a while."""
    global _silent_until  # noqa: PLW0603 - the breaker of this process
    if time.monotonic() < _silent_until:
        return False
    try:
        # By its name: the task knows what rings.
        current_app.send_task("webhooks.tasks.deliver", queue="webhooks", retry=False, ignore_result=True)
    except Exception as error:  # noqa: BLE001 - kombu lets transport errors of every kind through
        _silent_until = time.monotonic() + PAUSE_S
        logger.warning("The broker is away, webhooks wait for the sweep: %s", error)
        return False
    return True
