"""Orders on this shop's own GPU: claimed, begun and settled as everywhere, and made by the engine of this very process.

A worker of the queue `gpu` has threads that each see one order to its end; the engine makes batches of what they hand
it. A worker that dies leaves rows whose leases end: another attempt makes them anew, and nobody is charged for the
first.
"""

import logging
import threading
import time
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.db import Error as DatabaseError
from psycopg_pool import PoolTimeout

from accounts.connections import let_go
from generations import content, doorbell, exchange, intake, lifecycle, routing
from generations.engine.files import NotSigned, as_file
from generations.engine.jobs import Canceled, EngineLost, OutOfMemory, RenderJob
from generations.lifecycle.attempts import LEFT_OPEN
from generations.models import Attempt, Generation, Status, Upstream
from generations.providers.base import OutcomeKind
from generations.providers.wire import Answer

if TYPE_CHECKING:
    from PIL import Image

    from generations.engine.core import Engine

logger = logging.getLogger(__name__)

PUBLISH_S = 0.2  # progress to the row, at most so often
LOOK_S = 1.0  # whether the order is still wanted, while nothing new is known of it
CALLED_AMONG = 20

_engine: "Engine | None" = None


def install(engine: "Engine | None") -> None:
    """The engine of this process, from now on."""
    global _engine  # noqa: PLW0603 - one device, one engine, one process
    _engine = engine


def here() -> "Engine | None":
    return _engine


def drive(attempt: Attempt) -> None:
    """From the beginning of an attempt at our own GPU to its end, in the caller's thread. `attempt` bears its
    generation and upstream.
    """
    call = exchange.Call.of(attempt, attempt.generation.model.slug)
    answer = _render(call)
    let_go()
    if answer is None:
        exchange.patiently(call.generation, lambda: _lose(attempt))
        wait_s: float | None = None
    elif answer.kind is OutcomeKind.OK:
        collected = intake.Collected(answer.images)
        wait_s = exchange.deliver(call, answer, collected)
    else:
        found = answer
        wait_s = exchange.patiently(call.generation, lambda: exchange.end(call, found))
    if wait_s == 0:  # others of the same order; what is to be tried later than now is left to the sweeps
        doorbell.ring(call.generation.pk)
    call_next(cast(Upstream, attempt.upstream))


def _lose(attempt: Attempt) -> bool:
    """The engine ended before it was made: somebody makes it anew."""
    return lifecycle.hand_back(
        attempt.generation, 0, attempt=attempt, outcome=LEFT_OPEN, detail="the GPU's worker ended"
    )


# --- Making -------------------------------------------------------------------------------------


def _render(call: exchange.Call) -> Answer | None:
    """None: the engine is gone."""
    engine, job = _engine, call.job
    if engine is None:
        return None
    stop = threading.Event()
    percents = [0] * job.n
    futures = [
        engine.submit(
            RenderJob(
                job.task_id,
                job.prompt,
                job.width,
                job.height,
                exchange.seed_of(call.generation, call.attempt.first_index + position),
                settings.GPU_STEPS,
            ),
            _Teller(percents, position),
            stop.is_set,
        )
        for position in range(job.n)
    ]
    _watch(call.generation, futures, percents, stop)
    return _answer(call, engine, futures)


class _Teller:
    """Hears how far one of several images is. Called in the engine's threads, so it only writes it down."""

    def __init__(self, percents: list[int], position: int) -> None:
        self._percents, self._position = percents, position

    def __call__(self, percent: int) -> None:
        self._percents[self._position] = percent


def _watch(
    generation: Generation, futures: "list[Future[Image.Image]]", percents: list[int], stop: threading.Event
) -> None:
    """Until all are done; meanwhile the row hears how far they are, and they whether it is still ours."""
    shown, told_at = -1, 0.0
    while True:
        now, percent = time.monotonic(), sum(percents) // len(percents)
        if not stop.is_set() and (percent > shown or now - told_at >= LOOK_S):
            shown, told_at = percent, now
            if not _is_ours(generation, percent):
                stop.set()
        if not wait(futures, timeout=PUBLISH_S).not_done:
            return


def _is_ours(generation: Generation, percent: int) -> bool:
    try:
        return lifecycle.report_progress(generation, percent)
    except (DatabaseError, PoolTimeout) as error:
        logger.warning("%s: progress could not be told: %s", generation, error)
        return True
    finally:
        let_go()


def _answer(call: exchange.Call, engine: "Engine", futures: "list[Future[Image.Image]]") -> Answer | None:
    """With those images that come before the first that failed: the others are asked for anew."""
    files: list[bytes] = []
    withheld = 0
    facts = {**engine.backend.facts(), "steps": settings.GPU_STEPS}
    for future in futures:
        error = future.exception()
        if error is not None:
            problem = _problem(error)
            if not files and not withheld:
                return problem
            break
        try:
            data = as_file(future.result(), call.job.output_format, facts)
        except NotSigned as trouble:
            return Answer(OutcomeKind.FAILED, detail=str(trouble))
        if content.is_unwanted_image(data, call.job.prompt):
            withheld += 1
        else:
            files.append(data)
    if not files:
        return Answer(OutcomeKind.REJECTED, detail="refused by the image classifier")
    return Answer(OutcomeKind.OK, images=tuple(files), withheld=withheld, facts=facts)


def _problem(error: BaseException) -> Answer | None:
    if isinstance(error, EngineLost):
        return None
    if isinstance(error, Canceled):
        return Answer(OutcomeKind.CANCELED)
    kind = OutcomeKind.BUSY if isinstance(error, OutOfMemory) else OutcomeKind.FAILED
    return Answer(kind, detail=f"{type(error).__name__}: {error}")


# --- Who is next --------------------------------------------------------------------------------


def call_next(upstream: Upstream) -> None:
    """A place is free: the order that waits longest and can be made here is rung for; its own ring may be long past."""
    waiting = Generation.objects.unended().filter(
        status=Status.QUEUED, livemode=True, organization__shop=upstream.shop_id
    )
    for row in waiting.select_related("model").order_by("deadline_at")[:CALLED_AMONG]:
        if (row.claim == 0 or row.n > 1) and routing.makes(upstream, row):
            doorbell.ring_gpu(row.pk)
            return
