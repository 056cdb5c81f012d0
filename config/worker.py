"""How a worker comes and goes. It says when it takes work (settings.READY_FILE); asked to stop, it finishes what it
holds or hands it back; and when a call hangs it leaves by itself, since that thread is lost for good.
"""

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from celery import signals
from django.conf import settings

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
STILL_BUSY_STATUS = 75  # EX_TEMPFAIL: work was handed back, not lost

_stops_itself = threading.Event()


@signals.worker_init.connect
def _begin(**_: Any) -> None:
    _say_ready(False)  # a killed predecessor could not
    if settings.GPU_WORKER:
        _start_gpu()


def _start_gpu() -> None:
    """Before anything is taken. Celery would log an error of this and go on."""
    from generations import gpu_process  # noqa: PLC0415 - models can be imported only once all apps are loaded

    try:
        gpu_process.start(on_fatal=_hand_back)
    except gpu_process.CannotStart as error:
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
        os._exit(1)


@signals.worker_ready.connect
def _come(sender: Any, **_: Any) -> None:
    from generations import doorbell, poller  # noqa: PLC0415 - models can be imported only once all apps are loaded

    _say_ready(True)
    threading.Thread(target=_leave_when_a_call_hangs, name="watchdog", daemon=True).start()
    doorbell.ask_here = poller.wake
    if "poll" in sender.app.amqp.queues.consume_from:
        doorbell.asks_at_once = True
        # What a predecessor left; its ring may come behind orders that keep every thread. Last, since it raises where
        # there is no way out, which Celery logs: what needs none is done here all the same.
        poller.wake()


@signals.worker_shutting_down.connect
def _go(**_: Any) -> None:
    """Called at the stop signal. Celery takes nothing more, and would wait for its threads as long as they take."""
    from generations import heartbeat  # noqa: PLC0415 - models can be imported only once all apps are loaded
    from webhooks import courier  # noqa: PLC0415 - see above

    _say_ready(False)
    heartbeat.close()
    courier.leave()
    if _stops_itself.is_set():
        _stops_itself.clear()  # a second signal comes from outside
    else:
        threading.Thread(target=_leave_after_grace, name="leaving", daemon=True).start()


@signals.worker_shutdown.connect
def _last(**_: Any) -> None:
    """Celery's threads are done; the calls to upstreams and webhooks come to their end, or to that of the grace."""
    from generations import calls, gpu_process  # noqa: PLC0415 - see above
    from webhooks import courier  # noqa: PLC0415 - see above

    if settings.GPU_WORKER:
        gpu_process.leave()
    calls.drain()
    courier.drain(settings.WORKER_GRACE_S)


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


def _leave_after_grace() -> None:
    """Does not come to its end when all is done before: then the process ends, and this thread with it."""
    time.sleep(settings.WORKER_GRACE_S)
    _hand_back()


def _leave_when_a_call_hangs() -> None:
    """Its thread is lost for good. The others' calls all end by themselves, or hang as well."""
    from generations import heartbeat  # noqa: PLC0415 - see above

    while not any(work.hangs for work in heartbeat.working()):
        time.sleep(LOOK_EVERY_S)
    logger.error("A call has hung for %g s; this worker finishes the others and leaves", settings.LEASE_S)
    _stops_itself.set()
    os.kill(os.getpid(), signal.SIGTERM)
    while not all(work.hangs for work in heartbeat.working()):
        time.sleep(LOOK_EVERY_S)
    _hand_back()


def _hand_back() -> None:
    from generations import heartbeat  # noqa: PLC0415 - see above

    logger.warning("Left before the end of %d calls; they are handed back", heartbeat.surrender())
    os._exit(STILL_BUSY_STATUS)
