"""How a worker comes and goes. It says when it takes work (settings.READY_FILE); asked to stop, it finishes what it
holds or hands it back; and when a call hangs it leaves by itself, since that thread is lost for good.
"""

import logging
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from celery import signals
from django.conf import settings

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
STILL_BUSY_STATUS = 75  # EX_TEMPFAIL: work was handed back, not lost


@signals.worker_ready.connect
def _come(**_: Any) -> None:
    _say_ready(True)
    threading.Thread(target=_leave_when_a_call_hangs, name="watchdog", daemon=True).start()


@signals.worker_shutting_down.connect
def _go(**_: Any) -> None:
    """Called at the stop signal; Celery takes nothing more, and waits for its threads as long as they take."""
    _say_ready(False)
    threading.Thread(target=_hand_back_after_grace, name="leaving", daemon=True).start()


def _say_ready(ready: bool) -> None:
    if not settings.READY_FILE:
        return
    try:
        if ready:
            Path(settings.READY_FILE).touch()
        else:
            Path(settings.READY_FILE).unlink(missing_ok=True)
    except OSError as error:
        logger.error("READY_FILE=%s cannot be written: %s", settings.READY_FILE, error.strerror)


def _leave_when_a_call_hangs() -> None:
    from generations import heartbeat  # noqa: PLC0415 - models can be imported only once all apps are loaded

    while not any(work.is_overdue for work in heartbeat.working()):
        time.sleep(LOOK_EVERY_S)
    logger.error("A call has hung for %g s; this worker finishes the others and leaves", settings.LEASE_S)
    os.kill(os.getpid(), signal.SIGTERM)


def _hand_back_after_grace() -> None:
    from generations import heartbeat  # noqa: PLC0415 - see above

    deadline = time.monotonic() + settings.WORKER_GRACE_S
    while any(not work.is_overdue for work in heartbeat.working()) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S / 5)
    if heartbeat.working():
        logger.warning("Left before the end of %d calls; they are handed back", heartbeat.surrender())
        os._exit(STILL_BUSY_STATUS)
