"""A worker's way with a generation that an upstream makes: begin, accepted, take delivery, or ask again later.

While an upstream works on it nobody holds it: its attempt's row says when to ask (polling.py), so a worker that dies
loses nothing.
"""

import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from accounts.clock import db_now
from accounts.statements import Change, Update
from generations import circuit
from generations.lifecycle.attempts import ORPHAN, close_attempt, insert_attempt, note_late
from generations.lifecycle.shared import end, fenced, lease, running, settle
from generations.lifecycle.working import drawn_seed, fail, hand_back
from generations.models import Attempt, Generation, Status, Upstream
from generations.providers.base import OutcomeKind
from generations.providers.wire import Answer


class NoPlace(Exception):
    """The upstream has no place left, or its circuit is open: another one may be tried."""


def begin(generation: Generation, upstream: Upstream) -> Attempt | None:
    """Claims a queued generation, takes a place at the upstream and records that it is about to be called: all of it
    or nothing, so a search for an upstream leaves no trace. None when somebody else has the generation.

    Raises NoPlace. An attempt of unknown outcome is driven again under its own number and place.
    """
    seed = drawn_seed(generation)
    with transaction.atomic():
        if not _take_and_submit(
            pk=generation.pk,
            claim=generation.claim,
            next_claim=generation.claim + 1,
            seed=seed,
            lease=lease(),
        ):
            return None
        attempt = _attempt_at(generation, upstream)
    generation.status, generation.submitted = Status.RUNNING, True
    generation.claim += 1
    generation.seed = seed
    attempt.generation = generation
    attempt.upstream = upstream
    return attempt


@Update
def _take_and_submit(pk: int, claim: int, next_claim: int, seed: int, lease: datetime.timedelta) -> Change:
    queued = Generation.objects.filter(pk=pk, status=Status.QUEUED, claim=claim, deadline_at__gt=db_now())
    return queued, {
        "status": Status.RUNNING,
        "claim": next_claim,
        "submitted": True,
        "lease_until": db_now() + lease,
        "started_at": Coalesce("started_at", db_now()),
        "seed": seed,
    }


def _attempt_at(generation: Generation, upstream: Upstream) -> Attempt:
    last = generation.attempts.order_by("-number").first() if generation.claim else None
    if last is not None and not last.outcome and last.upstream_id is not None:
        if last.upstream_id != upstream.pk:
            raise NoPlace
        last.sends += 1
        last.save(update_fields=["sends"])
        return last
    if not circuit.take_place(upstream):
        raise NoPlace
    attempt: Attempt = insert_attempt(
        generation_id=generation.pk,
        number=last.number + 1 if last else 1,
        provider=upstream.provider,
        upstream_id=upstream.pk,
        possible_cost_micros=upstream.cost_of(generation.width, generation.height, generation.n),
    )
    return attempt


def park(generation: Generation, wait_s: float) -> bool:
    """Nobody has a place for it now: whoever leaves one takes it up, and a sweep rings after `wait_s`."""
    queued = Generation.objects.filter(pk=generation.pk, status=Status.QUEUED, claim=generation.claim)
    return bool(queued.update(dispatch_after=db_now() + datetime.timedelta(seconds=wait_s)))


def give_up(generation: Generation, error_type: str) -> bool:
    """Ends a queued generation that nobody will make."""
    with transaction.atomic():
        queued = Generation.objects.filter(pk=generation.pk, status=Status.QUEUED, claim=generation.claim)
        if not end(queued, Status.FAILED, error_type=error_type):
            return False
        settle(generation, consumed=0)
    return True


# --- While the upstream has it ------------------------------------------------------------------


def accepted(attempt: Attempt, answer: Answer, ask_in_s: float) -> bool:
    """The upstream has it, and is asked about it from now on. Also when the generation has ended meanwhile: then to
    stop it there, or to learn what it cost. Raises IntegrityError when another attempt has this very task.
    """
    generation = attempt.generation
    with transaction.atomic():
        running(generation.pk, generation.claim).update(lease_until=F("deadline_at"))
        known = Attempt.objects.filter(pk=attempt.pk, outcome="")
        return bool(
            known.update(
                upstream_task_id=answer.task_id[:200],
                handle=answer.handle or {},
                accepted_at=Coalesce("accepted_at", db_now()),
                # It may have told us of its end already.
                poll_at=Coalesce("poll_at", db_now() + datetime.timedelta(seconds=ask_in_s)),
            )
        )


def await_answers(attempt: Attempt, ask_in_s: float, *, lost: bool = False) -> bool:
    """Gives up the lease: the upstream is asked about it instead, or for it when its answer was lost.

    `lost`: also the claim of the worker that has it, so that one who is only slow can deliver nothing any more, and its
    files can go.
    """
    generation = attempt.generation
    with transaction.atomic():
        claim = generation.claim + lost
        if not fenced(generation, lost=lost).update(lease_until=F("deadline_at"), claim=claim):
            return False
        unanswered = Attempt.objects.filter(pk=attempt.pk, outcome="")
        unanswered.filter(handle__isnull=True).update(handle={})
        unanswered.update(poll_at=db_now() + datetime.timedelta(seconds=ask_in_s), poll_token="")
    return True


def leave_unknown(attempt: Attempt) -> bool:
    """Its answer was lost, and nothing finds out what became of it: the deadline decides."""
    return bool(fenced(attempt.generation).update(lease_until=F("deadline_at")))


def send_again(attempt: Attempt, wait_s: float, *, lost: bool = False) -> bool:
    """Under the same number and key; fails it when it was sent settings.MAX_CLAIMS times: poison stops there."""
    generation = attempt.generation
    if attempt.sends >= settings.MAX_CLAIMS:
        return fail(
            generation,
            "generation_failed",
            attempt=attempt,
            outcome=ORPHAN,
            detail="no answer, however often it was sent",
            cost_micros=attempt.possible_cost_micros,
            lost=lost,
        )
    with transaction.atomic():
        back = hand_back(generation, wait_s, lost=lost, limited=False)
        if back:
            Attempt.objects.filter(pk=attempt.pk, outcome="").update(poll_at=None, poll_token="", handle=None)
    return back


def take_delivery(attempt: Attempt) -> bool:
    """The upstream is done: this worker alone fetches and stores the result, under a claim and a lease of its own."""
    generation = attempt.generation
    with transaction.atomic():
        if not _take_delivery(
            pk=generation.pk, claim=generation.claim, next_claim=generation.claim + 1, lease=lease()
        ):
            return False
        Attempt.objects.filter(pk=attempt.pk, outcome="").update(poll_at=None)
    generation.claim += 1
    return True


@Update
def _take_delivery(pk: int, claim: int, next_claim: int, lease: datetime.timedelta) -> Change:
    return running(pk, claim), {"claim": next_claim, "lease_until": db_now() + lease}


def book_late(attempt: Attempt, kind: OutcomeKind, *, detail: str, cost_micros: int) -> None:
    """What an upstream says in the end of a generation that had ended before."""
    with transaction.atomic():
        # Never as a failure: that it ended so may be our own doing, and says nothing of the upstream.
        if kind is OutcomeKind.CANCELED and not cost_micros:
            close_attempt(attempt, kind, detail=detail)
        else:
            note_late(attempt, detail=detail, cost_micros=cost_micros)


def orphan(attempt: Attempt, detail: str) -> bool:
    """Gives up an attempt whose generation has ended: nobody will say what became of it, so it may have cost us."""
    with transaction.atomic():
        return close_attempt(attempt, ORPHAN, detail=detail, cost_micros=attempt.possible_cost_micros)
