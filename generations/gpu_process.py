"""A worker process with a GPU: its engine comes up before it takes orders, and it ends when that fails; a row says how
it is.
"""

import datetime
import logging
import os
import socket
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db import Error as DatabaseError
from psycopg_pool import PoolTimeout

from accounts.clock import db_now
from accounts.connections import let_go
from generations import gpu, heartbeat
from generations.engine.config import EngineConfig
from generations.models import GpuWorker

logger = logging.getLogger(__name__)

TELL_EVERY_S = 2.0
LAST_WORDS_S = 5.0  # for orders to be handed back before the process ends
FORGOTTEN_AFTER_S = 86_400

_leaving = threading.Event()


class CannotStart(Exception):
    """One line for the operator."""


def name() -> str:
    return f"{socket.gethostname()} {settings.GPU_DEVICE} {os.getpid()}"[:200]


def start(on_fatal: Callable[[], None]) -> None:
    """Returns once the engine is ready. `on_fatal`, which should end the process, is called when it stops for good,
    after the orders that it had were handed back. Raises CannotStart.
    """
    config = EngineConfig.from_settings()
    problems = list(config.problems())
    if problems:
        raise CannotStart(" ".join(problems))
    from generations.engine.making import make_engine  # noqa: PLC0415 - only here is one needed

    engine = make_engine(config)
    engine.on_fatal = lambda _reason: threading.Thread(
        target=_end, args=(on_fatal,), name="gpu-ending", daemon=True
    ).start()
    gpu.install(engine)
    _forget_old()
    threading.Thread(target=_tell_forever, name="gpu-news", daemon=True).start()
    begun = time.monotonic()
    try:
        engine.warm_up(config.sizes, steps=config.steps)
    except Exception as error:
        gpu.install(None)
        leave()
        logger.debug("The engine did not come up", exc_info=True)
        raise CannotStart(f"The model cannot be loaded: {type(error).__name__}: {error}") from error
    _tell()
    logger.warning("The GPU is ready after %.0f s: %s", time.monotonic() - begun, engine.backend.facts())


def leave() -> None:
    """Finishes what waits, and takes back what the row says."""
    _leaving.set()
    engine = gpu.here()
    if engine is not None:
        engine.close(settings.WORKER_GRACE_S)
    try:
        GpuWorker.objects.filter(name=name()).delete()
    except (DatabaseError, PoolTimeout) as error:
        logger.warning("The row of this worker stays for a while: %s", error)
    finally:
        let_go()


def _end(on_fatal: Callable[[], None]) -> None:
    heartbeat.close()
    _tell()
    deadline = time.monotonic() + LAST_WORDS_S
    while heartbeat.working() and time.monotonic() < deadline:
        time.sleep(0.05)
    _leaving.set()
    on_fatal()


def _tell_forever() -> None:
    while not _leaving.is_set():
        _tell()
        _leaving.wait(TELL_EVERY_S)


def _tell() -> None:
    engine = gpu.here()
    if engine is None or _leaving.is_set():
        return
    health = engine.health()
    facts = {
        "device": engine.backend.facts().get("device", str(settings.GPU_DEVICE))[:200],
        "ready": health.ready and not heartbeat.is_closed(),
        "problem": health.problem[:500],
        "seconds_per_megapixel": health.seconds_per_megapixel,
        "images": health.images,
        "seen_at": db_now(),
    }
    try:
        if not GpuWorker.objects.filter(name=name()).update(**facts):
            GpuWorker.objects.bulk_create([GpuWorker(name=name(), **facts)], ignore_conflicts=True)
    except (DatabaseError, PoolTimeout) as error:
        logger.warning("The state of the GPU could not be told: %s", error)
    finally:
        let_go()


def _forget_old() -> None:
    """Of processes that were killed."""
    old = db_now() - datetime.timedelta(seconds=FORGOTTEN_AFTER_S)
    GpuWorker.objects.filter(seen_at__lt=old).delete()
    let_go()
