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
from generations import circuit, wholesale
from generations.lifecycle.attempts import ORPHAN, close_attempt, insert_attempt, note_late
from generations.lifecycle.parts import deliver, end_with_parts, next_index
from generations.lifecycle.shared import fenced, lease, running
from generations.lifecycle.working import drawn_seed, fail, hand_back, take_row
from generations.models import Attempt, Generation, GenerationQuerySet, Status, Upstream
from generations.providers import UPSTREAMS
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
        if not take_row(generation, seed, submitted=True):
            return None
        attempt = _attempt_at(generation, upstream)
    generation.status, generation.submitted = Status.RUNNING, True
    generation.claim += 1
    generation.seed = seed
    attempt.generation = generation
    attempt.upstream = upstream
    return attempt


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
    first_index = next_index(last)
    n = min(generation.n - first_index, _makes_at_once(upstream, generation))
    attempt: Attempt = insert_attempt(
        generation_id=generation.pk,
        number=last.number + 1 if last else 1,
        provider=upstream.provider,
        upstream_id=upstream.pk,
        possible_cost_micros=upstream.cost_of(generation.width, generation.height, n),
        first_index=first_index,
        n=n,
    )
    return attempt


def _makes_at_once(upstream: Upstream, generation: Generation) -> int:
    if generation.n == 1:
        return 1
    adapter = UPSTREAMS.get(upstream.provider)
    return adapter.most_images(upstream.name_of(generation.model.slug, adapter.model)) if adapter else 1


def park(generation: Generation, wait_s: float) -> bool:
    """Nobody has a place for it now: whoever leaves one takes it up, and a sweep rings after `wait_s`."""
    return bool(_queued(generation).update(dispatch_after=db_now() + datetime.timedelta(seconds=wait_s)))


def give_up(generation: Generation, error_type: str) -> bool:
    """Ends a queued generation that nobody will make, or nobody the rest of it."""
    with transaction.atomic():
        parts = end_with_parts(_queued(generation), generation, error_type)
        if parts is None:
            return False
        deliver(generation, parts)
    return True


def _queued(generation: Generation) -> GenerationQuerySet:
    return Generation.objects.filter(pk=generation.pk, status=Status.QUEUED, claim=generation.claim)


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


def abandon(attempt: Attempt, detail: str, *, lost: bool = False) -> bool:
    """Nothing will ever be heard of it, so its customer need not wait for the deadline to learn that."""
    return fail(
        attempt.generation,
        "generation_failed",
        attempt=attempt,
        outcome=ORPHAN,
        detail=detail,
        cost_micros=wholesale.possible_cost(attempt),
        lost=lost,
    )


def send_again(attempt: Attempt, wait_s: float, *, lost: bool = False) -> bool:
    """Under the same number and key; fails it when it was sent settings.MAX_CLAIMS times: poison stops there."""
    if attempt.sends >= settings.MAX_CLAIMS:
        return abandon(attempt, "no answer, however often it was sent", lost=lost)
    with transaction.atomic():
        back = hand_back(attempt.generation, wait_s, lost=lost, limited=False)
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
        cost_micros = wholesale.possible_cost(attempt, absent=0)
        return close_attempt(attempt, ORPHAN, detail=detail, cost_micros=cost_micros)
