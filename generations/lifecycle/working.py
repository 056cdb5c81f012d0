"""A worker's way with a generation: claim, mark submitted, succeed, fail or hand back.

`claim` is the fence: a worker that lost its lease finds no row and leaves no trace.
"""

import datetime
import secrets

from django.conf import settings
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Greatest

from accounts.clock import db_now
from accounts.statements import Change, Select, Update
from generations.lifecycle.attempts import close_attempt, insert_attempt, note_late
from generations.lifecycle.parts import Stored, deliver, end_with_parts, next_index, parts_of
from generations.lifecycle.shared import ends, fenced, lease, running
from generations.models import Attempt, Generation, Image, Status
from generations.request import MAX_SEED


def claim(generation_id: int) -> Generation | None:
    """Takes a queued generation for this worker, with its seed drawn; None when it is no longer to be had."""
    generation = find_queued(generation_id)
    return generation if generation is not None and take(generation) else None


def take(generation: Generation) -> bool:
    """The same of a row that was just read; its times stay those from before."""
    seed = drawn_seed(generation)
    if not take_row(generation, seed, submitted=False):
        return False
    # What this worker wrote, never what it would read now: that may be the next worker's claim.
    generation.status, generation.submitted = Status.RUNNING, False
    generation.claim += 1
    generation.seed = seed
    return True


def find_queued(generation_id: int) -> Generation | None:
    queued: list[Generation] = _find_queued(pk=generation_id)
    return queued[0] if queued else None


_find_queued = Select(lambda pk: Generation.objects.filter(pk=pk, status=Status.QUEUED))


def drawn_seed(generation: Generation) -> int:
    """Drawn here and sent, never left to an upstream: so that every image can be made again."""
    return secrets.randbelow(MAX_SEED + 1) if generation.seed is None else generation.seed


def take_row(generation: Generation, seed: int, *, submitted: bool) -> bool:
    """The row alone: the object stays as it was read, since the transaction around may still be undone."""
    return bool(
        _take(
            pk=generation.pk,
            claim=generation.claim,
            next_claim=generation.claim + 1,
            submitted=submitted,
            seed=seed,
            lease=lease(),
        )
    )


@Update
def _take(
    pk: int, claim: int, next_claim: int, submitted: bool, seed: int, lease: datetime.timedelta
) -> Change:
    queued = Generation.objects.filter(pk=pk, status=Status.QUEUED, claim=claim, deadline_at__gt=db_now())
    return queued, {
        "status": Status.RUNNING,
        "claim": next_claim,
        "submitted": submitted,
        "lease_until": db_now() + lease,
        "started_at": Coalesce("started_at", db_now()),
        "seed": seed,
    }


def mark_submitted(generation: Generation, provider: str) -> Attempt | None:
    """Records, before the upstream is called, that it is about to be; once a claim. None when the lease was lost.

    An attempt of unknown outcome is driven again under its own number, so under its own idempotency key.
    """
    with transaction.atomic():
        if not _submit(pk=generation.pk, claim=generation.claim, lease=lease()):
            return None
        # The first claim has none; every later one may have been preceded by a call.
        last = generation.attempts.order_by("-number").first() if generation.claim > 1 else None
        if last is not None and not last.outcome and last.provider == provider:
            last.generation = generation
            return last
        first_index = next_index(last)
        attempt: Attempt = insert_attempt(
            generation_id=generation.pk,
            number=last.number + 1 if last else 1,
            provider=provider,
            first_index=first_index,
            n=generation.n - first_index,
        )
        attempt.generation = generation
        return attempt


@Update
def _submit(pk: int, claim: int, lease: datetime.timedelta) -> Change:
    ours = running(pk, claim).filter(lease_until__gt=db_now(), submitted=False)
    return ours, {"submitted": True, "lease_until": db_now() + lease}


def report_progress(generation: Generation, percent: int) -> bool:
    """Writes the percent done and renews the lease; False when the generation is no longer ours."""
    shown = max(0, min(99, percent))
    return bool(_show_progress(pk=generation.pk, claim=generation.claim, percent=shown, lease=lease()))


@Update
def _show_progress(pk: int, claim: int, percent: int, lease: datetime.timedelta) -> Change:
    changes = {"progress": Greatest("progress", Value(percent)), "lease_until": db_now() + lease}
    return running(pk, claim), changes


def renew(generation: Generation) -> bool:
    return bool(_renew(pk=generation.pk, claim=generation.claim, lease=lease()))


@Update
def _renew(pk: int, claim: int, lease: datetime.timedelta) -> Change:
    return running(pk, claim), {"lease_until": db_now() + lease}


def end_lease(generation: Generation) -> bool:
    """For a worker that has to leave before it is done: the next sweep treats it as lost."""
    return bool(fenced(generation).update(lease_until=db_now()))


def ring_soon(generation_id: int) -> bool:
    """For a worker that hears a ring and is about to leave: the next sweep rings again."""
    queued = Generation.objects.filter(pk=generation_id, status=Status.QUEUED)
    return bool(queued.update(dispatch_after=db_now()))


def succeed(generation: Generation, attempt: Attempt, images: list[Stored], *, cost_micros: int = 0) -> bool:
    """Ends with the images that were delivered, by this attempt and those before it, and charges for those; False
    when we are late.

    The caller then deletes what it stored. True also when these very images have been delivered before: a commit
    whose answer was lost.
    """
    if not 1 <= len(images) <= generation.n - attempt.first_index:
        raise ValueError(
            f"{generation}: {len(images)} images of {generation.n} from {attempt.first_index} on"
        )
    with transaction.atomic():
        if not _succeed(pk=generation.pk, claim=generation.claim):
            known = Image.objects.filter(generation=generation)
            if known.filter(storage_key=images[0].storage_key).exists():
                return True
            note_late(attempt, cost_micros=cost_micros)
            return False
        close_attempt(attempt, "ok", cost_micros=cost_micros)
        earlier = parts_of(generation) if attempt.first_index else []
        deliver(generation, [*earlier, *(stored.row for stored in images)])
    return True


_succeed = Update(lambda pk, claim: (running(pk, claim), {**ends(Status.SUCCEEDED), "progress": 100}))


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
    """Ends without a charge, or with what earlier attempts brought; False when we are late. `lost` as for hand_back."""
    with transaction.atomic():
        parts = end_with_parts(fenced(generation, lost=lost), generation, error_type)
        if attempt is not None:
            if parts is not None:
                close_attempt(attempt, outcome, detail=detail, cost_micros=cost_micros)
            else:
                note_late(attempt, detail=detail, cost_micros=cost_micros)
        if parts is not None:
            deliver(generation, parts)
    return parts is not None


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
    limited: bool = True,
) -> bool:
    """Puts a running generation back into the queue, to be taken up again after `wait_s`.

    With `attempt`, its outcome is known and the next one gets a new number; without, it may be driven again.
    Fails it with `error_type` instead when it has been claimed settings.MAX_CLAIMS times: poison stops there; unless
    it is not `limited`, where only the deadline ends the search for an upstream. Claims that brought images are none:
    each of those gives it as many again.
    `lost`: on behalf of a worker whose lease is over, and only if it still is: one that renews late goes on.
    """
    brought = attempt.first_index if attempt is not None else _brought(generation)
    if limited and generation.claim >= settings.MAX_CLAIMS * (1 + brought):
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
        back = fenced(generation, lost=lost).update(
            status=Status.QUEUED,
            submitted=False,
            lease_until=None,
            rings=0,
            dispatch_after=db_now() + datetime.timedelta(seconds=wait_s),
        )
        if attempt is not None:
            if back:
                close_attempt(attempt, outcome, detail=detail, cost_micros=cost_micros)
            else:
                note_late(attempt, detail=detail, cost_micros=cost_micros)
    return bool(back)


def _brought(generation: Generation) -> int:
    """How many of its images earlier attempts answered."""
    return next_index(generation.attempts.order_by("-number").first()) if generation.n > 1 else 0


def leave_to_deadline(generation: Generation, *, lost: bool = True) -> bool:
    """For an unknown outcome that must not be driven again: nobody looks at it before its deadline."""
    return bool(fenced(generation, lost=lost).update(lease_until=F("deadline_at")))
