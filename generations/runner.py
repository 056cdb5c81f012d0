"""Drives one claimed generation through a provider to its end."""

import logging
import time

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from psycopg_pool import PoolTimeout

from accounts.connections import let_go
from generations import heartbeat, lifecycle, storage
from generations.models import Attempt, Generation
from generations.providers.base import Job, Outcome, OutcomeKind, Provider
from generations.routing import provider_for

logger = logging.getLogger(__name__)

BUSY_WAIT_S = 5
SETTLE_AGAIN_S = 0.5
# What each outcome is to the customer; OK and BUSY have stories of their own.
ERROR_TYPES = {
    OutcomeKind.ACCOUNT: "upstream_unavailable",
    OutcomeKind.REJECTED: "content_rejected",
    OutcomeKind.INVALID: "invalid_request",
    OutcomeKind.TIMEOUT: "timeout",
    OutcomeKind.CANCELED: "timeout",  # ours to cancel never gets here: the row has ended before
    OutcomeKind.FAILED: "generation_failed",
}


def run(generation_id: int) -> None:
    """Does nothing when somebody else has the generation: rings may come twice."""
    with heartbeat.at_work() as work:
        if heartbeat.is_closed():
            lifecycle.ring_soon(generation_id)
            return
        work.generation = generation = lifecycle.claim(generation_id)
        if generation is None:
            return
        provider = provider_for(livemode=generation.livemode)
        if provider is None:
            lifecycle.fail(generation, "upstream_unavailable")
            return
        attempt = lifecycle.mark_submitted(generation, provider.name)
        if attempt is None:
            return
        with work.calling():
            outcome = _call(generation, attempt, provider)
        _settle_patiently(generation, attempt, outcome)


def _call(generation: Generation, attempt: Attempt, provider: Provider) -> Outcome:
    job = Job(
        task_id=generation.task_id,
        attempt_key=attempt.key,
        prompt=generation.prompt,
        width=generation.width,
        height=generation.height,
        seed=generation.seed or 0,
        output_format=generation.output_format,
        n=generation.n,
    )

    def on_progress(percent: int) -> bool:
        try:
            return lifecycle.report_progress(generation, percent)
        finally:
            let_go()

    let_go()
    try:
        return provider.generate(job, on_progress)
    except Exception as error:  # an adapter's bug must end this task, not the worker
        logger.exception("%s: provider %s raised", generation.task_id, provider.name)
        return Outcome(OutcomeKind.FAILED, detail=f"{type(error).__name__}: {error}")


def _settle_patiently(generation: Generation, attempt: Attempt, outcome: Outcome) -> None:
    """The upstream's work is done, and maybe paid for: a lock or a database that is away is waited for, for as long
    as a lease. Whoever took it over meanwhile wins, as always.
    """
    give_up_at = time.monotonic() + settings.LEASE_S
    while True:
        try:
            settle(generation, attempt, outcome)
            return
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            connection.close()
            if time.monotonic() > give_up_at:
                raise
            logger.warning("%s: could not be settled, tried again: %s", generation.task_id, error)
            time.sleep(SETTLE_AGAIN_S)


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
    unusable = "the answer held no image"
    try:
        for index, data in enumerate(outcome.images[: generation.n]):
            try:
                image = storage.check(data)
            except storage.UnusableImage as error:  # the others are delivered, and only they are charged
                unusable = f"unusable image: {error}"
                continue
            key = storage.store(generation.task_id, generation.claim, index, image)
            stored.append(lifecycle.Stored(index, key, image))
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
        storage.delete(item.storage_key for item in stored)
        return
    if not stored:
        lifecycle.fail(
            generation,
            "generation_failed",
            attempt=attempt,
            outcome="failed",
            detail=unusable,
            cost_micros=outcome.cost_micros,
        )
    elif lifecycle.succeed(generation, attempt, stored, cost_micros=outcome.cost_micros):
        if generation.claim > 1:  # a worker that died between storing and settling left its files
            storage.delete_earlier_claims(generation.task_id, generation.claim)
    else:
        storage.delete(item.storage_key for item in stored)
