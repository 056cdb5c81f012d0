"""The whole story of one generation: submit, claim, mark submitted, succeed, fail, hand back, cancel.

Each change of state is a compare-and-set inside one transaction with its settlement. `claim` is the fence: a
worker that lost its lease finds no row and leaves no trace. No network call and no file is touched in here.
"""

import datetime
import functools
import secrets
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Greatest

from accounts.access import Access
from accounts.clock import db_now, read_db_now
from accounts.statements import Change, Insert, Select, Update
from billing import ledger
from generations import backlog, doorbell
from generations.catalogue import DEFAULT_MODEL
from generations.errors import AlreadyEnded, IdempotencyInFlight, IdempotencyMismatch, UpstreamMissing
from generations.models import (
    ENDED,
    OPEN,
    Attempt,
    Generation,
    GenerationQuerySet,
    Image,
    Status,
    new_image_id,
    new_task_id,
    price_now,
)
from generations.request import MAX_SEED, RANDOM_SEED, ImageRequest
from generations.routing import provider_for
from generations.storage import CheckedImage

IDEMPOTENCY_LIFE = datetime.timedelta(hours=24)
FIRST_RING_S = 5
UPSTREAM_RETRY_S = 60
LOCK_NOT_AVAILABLE = "55P03"
SYSTEM = "system"
LEFT_OPEN = "unknown"


@dataclass(frozen=True, slots=True)
class Stored:
    """An image that lies in the storage, to be shown once the generation has succeeded."""

    index: int
    storage_key: str
    image: CheckedImage


# --- Accepting ----------------------------------------------------------------------------------


def submit(
    access: Access, request: ImageRequest, *, endpoint: str, idempotency_key: str | None = None
) -> Generation:
    """Accepts an order and holds its price, or finds the one that this idempotency key made before.

    Raises the errors of ledger.hold, IdempotencyMismatch (another body), IdempotencyInFlight (the first request
    has not been decided within the lock timeout), UpstreamMissing (nothing can serve this mode), Overloaded.
    On any error nothing was written.
    """
    digest = request.digest(endpoint)
    if idempotency_key is not None:
        earlier = replayed(access, idempotency_key, digest)
        if earlier is not None:
            return earlier
    if provider_for(livemode=access.livemode) is None:
        raise UpstreamMissing(retry_after=UPSTREAM_RETRY_S)
    backlog.refuse_if_overloaded()
    try:
        generation = _accept(access, request, digest, idempotency_key)
    except IntegrityError:
        # The same key won meanwhile; the database's unique index is the judge.
        earlier = replayed(access, idempotency_key, digest) if idempotency_key is not None else None
        if earlier is None:
            raise
        return earlier
    except OperationalError as error:
        if idempotency_key is not None and getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise IdempotencyInFlight(retry_after=ledger.OPEN_TASKS_RETRY_S) from error
        raise
    # Inside a caller's transaction a ring before its commit would find no row.
    transaction.on_commit(functools.partial(doorbell.ring, generation.pk))
    return generation


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
def _accept(access: Access, request: ImageRequest, digest: str, idempotency_key: str | None) -> Generation:
    model_id, price = price_now(access.organization.shop_id, DEFAULT_MODEL)
    key_id = access.key.pk if access.key else None
    generation: Generation = _insert_order(
        task_id=new_task_id(),
        organization_id=access.organization.pk,
        key_id=key_id,
        user_id=access.user.pk if access.user else None,
        model_id=model_id,
        livemode=access.livemode,
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


# --- Working ------------------------------------------------------------------------------------


def claim(generation_id: int) -> Generation | None:
    """Takes a queued generation for this worker, with its seed drawn; None when it is no longer to be had.

    Its times are those from before.
    """
    queued: list[Generation] = _find_queued(pk=generation_id)
    if not queued:
        return None
    [generation] = queued
    seed = secrets.randbelow(MAX_SEED + 1) if generation.seed is None else generation.seed
    if not _take(
        pk=generation_id, claim=generation.claim, next_claim=generation.claim + 1, seed=seed, lease=_lease()
    ):
        return None
    # What this worker wrote, never what it would read now: that may be the next worker's claim.
    generation.status, generation.submitted = Status.RUNNING, False
    generation.claim += 1
    generation.seed = seed
    return generation


_find_queued = Select(lambda pk: Generation.objects.filter(pk=pk, status=Status.QUEUED))


@Update
def _take(pk: int, claim: int, next_claim: int, seed: int, lease: datetime.timedelta) -> Change:
    queued = Generation.objects.filter(pk=pk, status=Status.QUEUED, claim=claim, deadline_at__gt=db_now())
    return queued, {
        "status": Status.RUNNING,
        "claim": next_claim,
        "submitted": False,
        "lease_until": db_now() + lease,
        "started_at": Coalesce("started_at", db_now()),
        "seed": seed,
    }


def mark_submitted(generation: Generation, provider: str) -> Attempt | None:
    """Records, before the upstream is called, that it is about to be; None when the lease was lost.

    An attempt of unknown outcome is driven again under its own number, so under its own idempotency key.
    """
    with transaction.atomic():
        if not _submit(pk=generation.pk, claim=generation.claim, lease=_lease()):
            return None
        # The first claim has none; every later one may have been preceded by a call.
        last = generation.attempts.order_by("-number").first() if generation.claim > 1 else None
        if last is not None and not last.outcome and last.provider == provider:
            last.generation = generation
            return last
        attempt: Attempt = _insert_attempt(
            generation_id=generation.pk, number=last.number + 1 if last else 1, provider=provider
        )
        attempt.generation = generation
        return attempt


_insert_attempt = Insert(Attempt)


@Update
def _submit(pk: int, claim: int, lease: datetime.timedelta) -> Change:
    ours = _running(pk, claim).filter(lease_until__gt=db_now())
    return ours, {"submitted": True, "lease_until": db_now() + lease}


def report_progress(generation: Generation, percent: int) -> bool:
    """Writes the percent done and renews the lease; False when the generation is no longer ours."""
    shown = max(0, min(99, percent))
    return bool(_show_progress(pk=generation.pk, claim=generation.claim, percent=shown, lease=_lease()))


@Update
def _show_progress(pk: int, claim: int, percent: int, lease: datetime.timedelta) -> Change:
    changes = {"progress": Greatest("progress", Value(percent)), "lease_until": db_now() + lease}
    return _running(pk, claim), changes


def renew(generation: Generation) -> bool:
    return bool(_renew(pk=generation.pk, claim=generation.claim, lease=_lease()))


@Update
def _renew(pk: int, claim: int, lease: datetime.timedelta) -> Change:
    return _running(pk, claim), {"lease_until": db_now() + lease}


def end_lease(generation: Generation) -> bool:
    """For a worker that has to leave before it is done: the next sweep treats it as lost."""
    return bool(_fenced(generation).update(lease_until=db_now()))


def ring_soon(generation_id: int) -> bool:
    """For a worker that hears a ring and is about to leave: the next sweep rings again."""
    queued = Generation.objects.filter(pk=generation_id, status=Status.QUEUED)
    return bool(queued.update(dispatch_after=db_now()))


def succeed(generation: Generation, attempt: Attempt, images: list[Stored], *, cost_micros: int = 0) -> bool:
    """Ends with the images that were delivered, 1 to n, and charges for those; False when we are late.

    The caller then deletes what it stored. True also when this very claim has succeeded before: a commit whose
    answer was lost.
    """
    if not 1 <= len(images) <= generation.n:
        raise ValueError(f"{generation}: {len(images)} images of {generation.n}")
    with transaction.atomic():
        if not _succeed(pk=generation.pk, claim=generation.claim):
            rows = Generation.objects.filter(pk=generation.pk, claim=generation.claim)
            if rows.filter(status=Status.SUCCEEDED).exists():
                return True
            _note_late(attempt, cost_micros=cost_micros)
            return False
        _close_attempt(attempt, "ok", cost_micros=cost_micros)
        for stored in images:
            _insert_image(
                public_id=new_image_id(),
                generation_id=generation.pk,
                index=stored.index,
                storage_key=stored.storage_key,
                content_type=stored.image.content_type,
                width=stored.image.width,
                height=stored.image.height,
                byte_size=len(stored.image.data),
                sha256=stored.image.sha256,
            )
        _settle(generation, consumed=generation.price_credits * len(images) // generation.n)
    return True


_insert_image = Insert(Image)
_succeed = Update(lambda pk, claim: (_running(pk, claim), {**_ends(Status.SUCCEEDED), "progress": 100}))


def fail(
    generation: Generation,
    error_type: str,
    *,
    attempt: Attempt | None = None,
    outcome: str = "",
    detail: str = "",
    cost_micros: int = 0,
    lost: bool = False,
) -> bool:
    """Ends without a charge; False when we are late. `lost` as for hand_back."""
    with transaction.atomic():
        ended = _end(_fenced(generation, lost=lost), Status.FAILED, error_type=error_type)
        if attempt is not None:
            if ended:
                _close_attempt(attempt, outcome, detail=detail, cost_micros=cost_micros)
            else:
                _note_late(attempt, detail=detail, cost_micros=cost_micros)
        if ended:
            _settle(generation, consumed=0)
    return ended


def hand_back(
    generation: Generation,
    wait_s: float,
    *,
    error_type: str = "generation_failed",
    attempt: Attempt | None = None,
    outcome: str = "",
    detail: str = "",
    cost_micros: int = 0,
    lost: bool = False,
) -> bool:
    """Puts a running generation back into the queue, to be taken up again after `wait_s`.

    With `attempt`, its outcome is known and the next one gets a new number; without, it may be driven again.
    Fails it with `error_type` instead when it has been claimed settings.MAX_CLAIMS times: poison stops there.
    `lost`: on behalf of a worker whose lease is over, and only if it still is: one that renews late goes on.
    """
    if generation.claim >= settings.MAX_CLAIMS:
        return fail(
            generation,
            error_type,
            attempt=attempt,
            outcome=outcome,
            detail=detail,
            cost_micros=cost_micros,
            lost=lost,
        )
    with transaction.atomic():
        back = _fenced(generation, lost=lost).update(
            status=Status.QUEUED,
            submitted=False,
            lease_until=None,
            rings=0,
            dispatch_after=db_now() + datetime.timedelta(seconds=wait_s),
        )
        if attempt is not None:
            if back:
                _close_attempt(attempt, outcome, detail=detail, cost_micros=cost_micros)
            else:
                _note_late(attempt, detail=detail, cost_micros=cost_micros)
    return bool(back)


def leave_to_deadline(generation: Generation) -> bool:
    """For an unknown outcome that must not be driven again: nobody looks at it before its deadline."""
    return bool(_fenced(generation, lost=True).update(lease_until=F("deadline_at")))


# --- Ending from outside ------------------------------------------------------------------------


def cancel(generation: Generation) -> None:
    """Ends an open generation at once and frees its hold; a late image is discarded unshown.

    Raises AlreadyEnded. Racing a success, exactly one of the two wins.
    """
    with transaction.atomic():
        open_row = Generation.objects.filter(pk=generation.pk, status__in=OPEN)
        if not _end(open_row, Status.CANCELED, error_type="canceled"):
            raise AlreadyEnded
        _leave_attempts(generation)
        _settle(generation, consumed=0)


def expire(generation: Generation) -> bool:
    """Fails an open generation whose deadline has passed; False when it ended meanwhile."""
    with transaction.atomic():
        late = Generation.objects.filter(pk=generation.pk, status__in=OPEN, deadline_at__lte=db_now())
        if not _end(late, Status.FAILED, error_type="timeout"):
            return False
        _leave_attempts(generation)
        _settle(generation, consumed=0)
    return True


# --- Shared -------------------------------------------------------------------------------------


def _lease() -> datetime.timedelta:
    return datetime.timedelta(seconds=settings.LEASE_S)


def _running(pk: int, claim: int) -> GenerationQuerySet:
    """The row while it is running under this very claim."""
    return Generation.objects.filter(pk=pk, status=Status.RUNNING, claim=claim)


def _fenced(generation: Generation, *, lost: bool = False) -> GenerationQuerySet:
    """The same; `lost`: and while its lease is over, and what is known of its submission has not changed since it
    was read.
    """
    rows = _running(generation.pk, generation.claim)
    if lost:
        rows = rows.filter(lease_until__lte=db_now(), submitted=generation.submitted)
    return rows


def _end(rows: GenerationQuerySet, status: Status, *, error_type: str) -> bool:
    return bool(rows.update(**_ends(status), error_type=error_type))


def _ends(status: Status) -> dict[str, Any]:
    if status not in ENDED:
        raise ValueError(status)
    return {"status": status, "finished_at": db_now(), "lease_until": None}


def _settle(generation: Generation, *, consumed: int) -> None:
    key_id = generation.key_id
    if not generation.livemode:
        if key_id is not None:
            ledger.close_key_task(key_id, 0, accepted_on=generation.created_at.date())
        return
    organization_id, reference = generation.organization_id, generation.reference
    if consumed:
        ledger.capture(organization_id, consumed, reference=reference, actor=SYSTEM, key_id=key_id)
    else:
        ledger.release(organization_id, reference=reference, actor=SYSTEM, key_id=key_id)


def _close_attempt(attempt: Attempt, outcome: str, *, detail: str = "", cost_micros: int = 0) -> None:
    _write_outcome(pk=attempt.pk, outcome=str(outcome), detail=detail[:500], cost_micros=cost_micros)


_write_outcome = Update(
    lambda pk, **outcome: (Attempt.objects.filter(pk=pk), {**outcome, "finished_at": db_now()})
)


def _note_late(attempt: Attempt, *, detail: str = "", cost_micros: int = 0) -> None:
    """Books what a worker that lost its generation still found out. Only once the generation has ended: until
    then another worker may be driving this very attempt, and its outcome is the one that counts.
    """
    Attempt.objects.filter(
        pk=attempt.pk, outcome__in=("", LEFT_OPEN), generation__status__in=(Status.FAILED, Status.CANCELED)
    ).update(outcome="late", detail=detail[:500], cost_micros=cost_micros, finished_at=db_now())


def _leave_attempts(generation: Generation) -> None:
    """Its generation has ended; what the upstream made of it nobody knows, unless its worker still says."""
    Attempt.objects.filter(generation=generation, outcome="").update(outcome=LEFT_OPEN, finished_at=db_now())
