"""The first step: an order is accepted and its price held, or nothing happens at all."""

import datetime
import functools
import json
import logging
from typing import Any

from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction

from accounts import trail
from accounts.access import Access
from accounts.clock import db_now, read_db_now
from accounts.connections import was_locked
from accounts.statements import Insert
from billing import ledger
from generations import backlog, doorbell, routing
from generations.catalogue import DEFAULT_MODEL
from generations.errors import IdempotencyInFlight, IdempotencyMismatch
from generations.lifecycle import joining
from generations.models import Generation, new_task_id, price_now
from generations.request import RANDOM_SEED, ImageRequest

logger = logging.getLogger(__name__)

IDEMPOTENCY_LIFE = datetime.timedelta(hours=24)
FIRST_RING_S = 5


def submit(
    access: Access,
    request: ImageRequest,
    *,
    endpoint: str,
    idempotency_key: str | None = None,
    its_try: joining.Try | None = None,
    retry_of: Generation | None = None,
) -> Generation:
    """Accepts an order and holds its price, or finds the one that this idempotency key made before, or that a client
    tries to get once more. `retry_of`: the one that an operator has made again.

    Raises the errors of ledger.hold, IdempotencyMismatch (another body), IdempotencyInFlight (the first request
    has not been decided within the lock timeout), UpstreamMissing (nothing can serve this mode now), InvalidField (nor
    this size), Overloaded.
    On any error nothing was written.
    """
    digest = request.digest(endpoint)
    if idempotency_key is not None:
        earlier = replayed(access, idempotency_key, digest)
        if earlier is not None:
            return earlier
    routing.refuse_if_closed(access, request, request.model or DEFAULT_MODEL)
    backlog.refuse_if_overloaded(access)
    try:
        generation = _accept(access, request, digest, idempotency_key, its_try, retry_of)
    except IntegrityError:
        # The same key won meanwhile; the database's unique index is the judge.
        earlier = replayed(access, idempotency_key, digest) if idempotency_key is not None else None
        if earlier is None:
            raise
        return earlier
    except OperationalError as error:
        is_one_of_several = idempotency_key is not None or its_try is not None
        if is_one_of_several and was_locked(error):
            raise IdempotencyInFlight(retry_after=ledger.OPEN_TASKS_RETRY_S) from error
        raise
    # Inside a caller's transaction a ring before its commit would find no row.
    transaction.on_commit(functools.partial(_accepted, generation))
    return generation


def _accepted(generation: Generation) -> None:
    logger.info("%s was accepted", generation.task_id)
    doorbell.ring(generation.pk)


def replayed(access: Access, idempotency_key: str, digest: str) -> Generation | None:
    """What this idempotency key made in the last 24 hours. Raises IdempotencyMismatch."""
    known = Generation.objects.visible_to(access).filter(idempotency_key=idempotency_key)
    earlier = known.first()
    if earlier is None:
        return None
    if earlier.created_at <= read_db_now() - IDEMPOTENCY_LIFE:  # the key is free again
        known.filter(pk=earlier.pk).update(idempotency_key=None)
        return None
    if earlier.request_digest != digest:
        raise IdempotencyMismatch
    return earlier


@transaction.atomic
def _accept(
    access: Access,
    request: ImageRequest,
    digest: str,
    idempotency_key: str | None,
    its_try: joining.Try | None,
    retry_of: Generation | None,
) -> Generation:
    if its_try is not None:
        joining.hold_off_others(access, digest)
        earlier = joining.join(access, digest, its_try)
        if earlier is not None:
            return earlier
    model_id, price = price_now(access.organization.shop_id, request.model or DEFAULT_MODEL)
    price *= request.n
    key_id = access.key.pk if access.key else None
    generation: Generation = _insert_order(
        task_id=new_task_id(),
        organization_id=access.organization.pk,
        key_id=key_id,
        user_id=access.user.pk if access.user else None,
        model_id=model_id,
        livemode=access.livemode,
        n=request.n,
        price_credits=price if access.livemode else 0,
        prompt=request.prompt,
        aspect_ratio=request.aspect_ratio,
        width=request.width,
        height=request.height,
        requested_seed=request.seed_text,
        seed=None if request.seed == RANDOM_SEED else request.seed,
        output_format=request.output_format,
        first_ring=datetime.timedelta(seconds=FIRST_RING_S),
        deadline=datetime.timedelta(seconds=settings.DEADLINE_S),
        idempotency_key=idempotency_key,
        request_digest=digest,
        metadata_text=json.dumps(request.metadata) if request.metadata else "",
        webhook_url=request.webhook_url,
        awaited_try=its_try.number if its_try is not None else None,
        retry_of_id=retry_of.pk if retry_of is not None else None,
        request_id=trail.request_id.get(),
    )
    if access.livemode:
        ledger.hold(
            access.organization.pk, price, reference=generation.reference, actor=access.actor, key_id=key_id
        )
    elif key_id is not None:
        ledger.open_key_task(key_id, 0, default_limit=settings.MAX_OPEN_TASKS)
    return generation


@Insert
def _insert_order(first_ring: datetime.timedelta, deadline: datetime.timedelta, **fields: Any) -> Generation:
    return Generation(dispatch_after=db_now() + first_ring, deadline_at=db_now() + deadline, **fields)
