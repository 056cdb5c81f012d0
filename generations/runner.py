"""Drives one generation from its ring: through an upstream (exchange.py), or in this very process to its end."""

import asyncio
import logging
from typing import cast

from django.db.models import OuterRef, Q, Subquery

from accounts import trail
from accounts.clock import db_now
from accounts.connections import let_go
from generations import (
    calls,
    doorbell,
    exchange,
    free_orders,
    gpu,
    gpu_workers,
    heartbeat,
    lifecycle,
    routing,
    storage,
)
from generations.exchange import ERROR_TYPES, job_of, keep_images, patiently
from generations.models import Attempt, Generation, Status, Upstream
from generations.providers.base import Outcome, OutcomeKind, Provider

logger = logging.getLogger(__name__)

BUSY_WAIT_S = 5
LONGEST_PAUSE_S = 30.0  # what is to be tried later than that is left to the sweeps
NEXT_LOOKED_AT = 100


def run(generation_id: int, *, on_gpu: bool = False) -> bool:
    """Whether it was taken up. Not when somebody else has it: rings may come twice; nor when nobody has a place for it
    now. An order for an upstream goes on without this thread. One for our own GPU is rung for among the workers that
    have one, and stays with this thread when `on_gpu`.
    """
    with heartbeat.at_work() as work:
        if heartbeat.is_closed():
            lifecycle.ring_soon(generation_id)
            return False
        generation = lifecycle.find_queued(generation_id)
        if generation is None:
            return False
        with trail.following(generation.task_id, generation.request_id), trail.step("task"):
            return _take_up(work, generation, on_gpu=on_gpu)


def _take_up(work: heartbeat.Work, generation: Generation, *, on_gpu: bool) -> bool:
    match routing.route(generation):
        case routing.InProcess(provider=provider) if generation.livemode:
            return lifecycle.take(generation) and _make_here(work, generation, provider)
        case routing.InProcess(provider=provider):
            with free_orders.place() as has_place:
                if has_place:
                    return lifecycle.take(generation) and _make_here(work, generation, provider)
            _park(generation, routing.PARK_S)
        case routing.Try(upstreams=upstreams):
            return _begin(work, generation, upstreams, on_gpu=on_gpu)
        case routing.Wait(wait_s=wait_s):
            _park(generation, wait_s)
        case routing.Nobody(error_type=error_type):
            lifecycle.give_up(generation, error_type)
    return False


# --- At an upstream -----------------------------------------------------------------------------


def _begin(work: heartbeat.Work, generation: Generation, upstreams: list[Upstream], *, on_gpu: bool) -> bool:
    carrier = calls.here()  # before anything is taken: it may not come up
    for upstream in upstreams:
        is_own = gpu_workers.is_in_house(upstream)
        if is_own and not on_gpu:
            doorbell.ring_gpu(generation.pk)
            return False
        try:
            attempt = lifecycle.begin(generation, upstream)
        except lifecycle.NoPlace:
            continue
        if attempt is None:
            return False
        if is_own:
            work.generation = generation
            gpu.drive(attempt)
        else:
            carrier.start(_drive(exchange.Call.of(attempt, generation.model.slug)))
        return True
    _park(generation, routing.PARK_S)
    return False


def _park(generation: Generation, wait_s: float) -> None:
    """The longer it has waited, the more seldom it is rung for: whoever leaves a place takes it up."""
    lifecycle.park(generation, wait_s * 2 ** min(generation.rings, 2))


async def _drive(call: exchange.Call) -> None:
    go_on(call, await exchange.drive(call))


def go_on(call: exchange.Call, wait_s: float | None) -> None:
    """After an attempt: another one of the same generation after `wait_s`; and its place is free for others."""
    if wait_s is not None and wait_s <= LONGEST_PAUSE_S:
        calls.here().start(_run_later(call.generation.pk, wait_s), idle=True)
    calls.here().start(_take_next(cast(Upstream, call.attempt.upstream).shop_id), idle=True)


async def _run_later(generation_id: int, wait_s: float) -> None:
    await asyncio.sleep(wait_s)
    await calls.here().in_thread(run, generation_id)


async def _take_next(shop_id: int) -> None:
    await calls.here().in_thread(take_next, shop_id)


def take_next(shop_id: int) -> int:
    """Takes up the orders of a shop that wait longest, as many as there are places for: their own rings may be long
    past. How many. Those that are to be tried again later are left until then; not those whose last attempt went well,
    and which only wait for a place to have the rest of their images made.
    """
    listed = routing.with_places(shop_id)
    # An own GPU calls by itself; and what it will make in time is left to it.
    ready = [found for found in listed if not gpu_workers.is_in_house(found[0])]
    own = [upstream for upstream, _free in listed if gpu_workers.is_in_house(upstream)]
    left_to_own = gpu_workers.megapixels_in_time() if own and ready else 0.0
    places = sum(free for _upstream, free in ready)
    if not places:
        return 0
    last = Attempt.objects.filter(generation=OuterRef("pk")).order_by("-number").values("outcome")[:1]
    ready_for = Q(claim=0) | Q(dispatch_after__lte=db_now()) | Q(n__gt=1, last_outcome=OutcomeKind.OK)
    waiting = (
        Generation.objects.unended()
        .alias(last_outcome=Subquery(last))
        .filter(ready_for, status=Status.QUEUED, livemode=True)
        .filter(organization__shop=shop_id)
        .select_related("model")
        .order_by("deadline_at")
    )
    begun = 0
    for row in waiting[:NEXT_LOOKED_AT]:
        if begun >= places or heartbeat.is_closed():
            break
        if left_to_own > 0 and any(routing.makes(upstream, row) for upstream in own):
            left_to_own -= row.n * row.width * row.height / 1e6
        elif any(routing.makes(upstream, row) for upstream, _free in ready):
            begun += run(row.pk)
    return begun


# --- In this process ----------------------------------------------------------------------------


def _make_here(work: heartbeat.Work, generation: Generation, provider: Provider) -> bool:
    work.generation = generation
    attempt = lifecycle.mark_submitted(generation, provider.name)
    if attempt is None:
        return False
    with work.calling(), trail.step("attempt", number=attempt.number, upstream=provider.name) as note:
        outcome = _call(generation, attempt, provider)
        note("outcome", outcome.kind.value)
    logger.info("%s: %s by %s", attempt.key, outcome.kind.value, provider.name)
    patiently(generation, lambda: settle(generation, attempt, outcome))
    return True


def _call(generation: Generation, attempt: Attempt, provider: Provider) -> Outcome:
    def on_progress(percent: int) -> bool:
        try:
            return lifecycle.report_progress(generation, percent)
        finally:
            let_go()

    let_go()
    try:
        return provider.generate(job_of(attempt), on_progress)
    except Exception as error:  # an adapter's bug must end this task, not the worker
        logger.exception("%s: provider %s raised", generation.task_id, provider.name)
        return Outcome(OutcomeKind.FAILED, detail=f"{type(error).__name__}: {error}")


def settle(generation: Generation, attempt: Attempt, outcome: Outcome) -> None:
    """Turns an outcome into the generation's end, or puts it back into the queue."""
    if outcome.kind is OutcomeKind.OK:
        _deliver(generation, attempt, outcome)
    elif outcome.kind is OutcomeKind.BUSY:
        lifecycle.hand_back(
            generation,
            BUSY_WAIT_S,
            error_type="upstream_unavailable",
            attempt=attempt,
            outcome=outcome.kind,
            detail=outcome.detail,
        )
    else:
        lifecycle.fail(
            generation,
            ERROR_TYPES[outcome.kind],
            attempt=attempt,
            outcome=outcome.kind,
            detail=outcome.detail,
            cost_micros=outcome.cost_micros,
        )


def _deliver(generation: Generation, attempt: Attempt, outcome: Outcome) -> None:
    """Stores first, settles after: nobody is charged for an image that could not be kept."""
    stored: list[lifecycle.Stored] = []
    try:
        files = enumerate(outcome.images[: attempt.n], attempt.first_index)
        problems = keep_images(generation, files, storage.check, stored)
    except OSError as error:  # a full disk: somebody may make room before the next claim
        logger.exception("%s: the image could not be stored", generation.task_id)
        lifecycle.hand_back(
            generation,
            BUSY_WAIT_S,
            attempt=attempt,
            outcome="not_stored",
            detail=str(error),
            cost_micros=outcome.cost_micros,
        )
        storage.discard(item.storage_key for item in stored)
        return
    if not stored:
        lifecycle.fail(
            generation,
            "generation_failed",
            attempt=attempt,
            outcome="failed",
            detail=problems[-1] if problems else "the answer held no image",
            cost_micros=outcome.cost_micros,
        )
    elif lifecycle.succeed(generation, attempt, stored, cost_micros=outcome.cost_micros):
        if generation.claim > 1:  # a worker that died between storing and settling left its files
            storage.delete_earlier_claims(
                generation.task_id, generation.claim, lifecycle.kept_keys(generation)
            )
    else:
        storage.discard(item.storage_key for item in stored)
