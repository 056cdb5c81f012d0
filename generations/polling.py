"""Which orders at upstreams are to be asked about, as rows: any number of workers share them, and one that dies with
some in hand loses nothing, since each is due again after a while.
"""

import datetime
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, F, Min, Q, QuerySet, Value

from accounts.clock import db_now, read_db_now
from generations.models import Attempt, Generation, Status, UpstreamState
from generations.providers import ADAPTERS

HOLD_S = 30  # for a question, and for fetching what it says is done
HORIZON_S = 2.0  # how far ahead questions are given their times
FIRST_S, GROWTH, LONGEST_S = 1.0, 1.2, 5.0
LONGEST_AFTER_END_S = 15.0
LOOK_UP_S = 5.0  # a list of tasks may show a new one late


@dataclass(frozen=True, slots=True)
class Question:
    """About `attempt`, which bears its generation and upstream, `after_s` from now: as fast as its upstream allows."""

    attempt: Attempt
    token: str
    after_s: float


@dataclass(frozen=True, slots=True)
class NotYet:
    """What came of one: to be asked again after `wait_s`; `handle` and `progress` when they are new."""

    question: Question
    wait_s: float
    handle: dict[str, str] | None = None
    progress: int | None = None


def open_attempts() -> "QuerySet[Attempt]":
    """Whose turn will come: the others have not been answered for by the upstream yet, or need no asking."""
    return Attempt.objects.filter(
        upstream__isnull=False, outcome="", poll_at__isnull=False, handle__isnull=False
    )


def take_due(limit: int) -> list[Question]:
    """So many at most, for this caller alone until HOLD_S have passed."""
    due = open_attempts().filter(poll_at__lte=db_now())
    counts = dict(due.values_list("upstream_id").annotate(Count("pk")).order_by("upstream_id"))
    after_s: dict[int, float] = {}
    for position, (upstream_id, count) in enumerate(counts.items()):
        # Each its share, so that one that is slow, or asked for a pause, keeps nobody from asking the others.
        share = max(1, (limit - len(after_s)) // (len(counts) - position))
        slots = _reserve(upstream_id, min(count, share))
        of_it = due.filter(upstream=upstream_id).order_by("poll_at").values_list("pk", flat=True)
        after_s |= zip(of_it[: len(slots)], slots, strict=False)
    if not after_s:
        return []
    token = secrets.token_hex(8)
    with transaction.atomic():  # what could not be read is not held either
        open_attempts().filter(pk__in=after_s, poll_at__lte=db_now()).update(
            poll_token=token, poll_at=db_now() + datetime.timedelta(seconds=HOLD_S), polls=F("polls") + 1
        )
        taken = Attempt.objects.filter(pk__in=after_s, poll_token=token).select_related(
            "generation__model", "upstream"
        )
        return [Question(attempt, token, after_s[attempt.pk]) for attempt in taken]


def _reserve(upstream_id: int, count: int) -> list[float]:
    """When each of the next questions to this upstream may be put, in seconds from now: fewer than `count` when
    others have asked for the time before the horizon.
    """
    with transaction.atomic():
        state = (
            UpstreamState.objects.select_for_update(of=("self",))
            .select_related("upstream")
            .get(pk=upstream_id)
        )
        adapter = ADAPTERS.get(state.upstream.provider)
        rate = state.upstream.polls_per_second or (adapter.polls_per_second if adapter else 1.0)
        now = read_db_now()
        first_s = max(0.0, (state.paced_until - now).total_seconds()) if state.paced_until else 0.0
        slots = [first_s + number / rate for number in range(count) if first_s + number / rate < HORIZON_S]
        if slots:
            paced_until = now + datetime.timedelta(seconds=slots[-1] + 1 / rate)
            UpstreamState.objects.filter(pk=upstream_id).update(paced_until=paced_until)
        return slots


def slow_down(upstream_id: int, pause_s: float) -> None:
    """The upstream asked for a pause of all questions."""
    until = db_now() + datetime.timedelta(seconds=pause_s)
    state = UpstreamState.objects.filter(pk=upstream_id)
    state.filter(paced_until=None).update(paced_until=until)
    state.filter(paced_until__lt=until).update(paced_until=until)


def usual_wait_s(attempt: Attempt) -> float:
    """The longer it takes, the more seldom it is asked about."""
    longest_s = LONGEST_AFTER_END_S if attempt.generation.has_ended else LONGEST_S
    return float(min(longest_s, FIRST_S * GROWTH ** min(attempt.polls, 20)))


def put_back(answers: Iterable[NotYet]) -> None:
    """Unless a webhook has asked for them meanwhile: those are due at once."""
    listed = sorted(answers, key=lambda one: one.question.attempt.pk)
    # Each by itself: generations are locked before their attempts, never after.
    for answer in listed:
        if answer.progress is not None:
            shown = Value(_of_its_order(answer.question.attempt, answer.progress))
            generation = Generation.objects.filter(pk=answer.question.attempt.generation_id)
            generation.filter(status=Status.RUNNING, progress__lt=shown).update(progress=shown)
    with transaction.atomic():
        for answer in listed:
            attempt = answer.question.attempt
            changes: dict[str, object] = {} if answer.handle is None else {"handle": answer.handle}
            Attempt.objects.filter(pk=attempt.pk, poll_token=answer.question.token, outcome="").update(
                poll_at=db_now() + datetime.timedelta(seconds=answer.wait_s), poll_token="", **changes
            )


def _of_its_order(attempt: Attempt, percent: int) -> int:
    """What the upstream says of its own images, as a share of all that were ordered."""
    done = 100 * attempt.first_index + max(0, min(100, percent)) * attempt.n
    return min(99, done // attempt.generation.n)


def next_due_s() -> float | None:
    """Seconds until the next question is due, below zero when one is overdue; None: there are none to ask."""
    first = open_attempts().aggregate(first=Min("poll_at"))["first"]
    return None if first is None else (first - read_db_now()).total_seconds()


def ask_now(task_id: str, number: int) -> Attempt | None:
    """The upstream says that there is news of it. None: there is no such attempt open."""
    found = Attempt.objects.filter(
        generation__task_id=task_id, number=number, outcome="", upstream__isnull=False
    ).select_related("generation")
    attempt = found.first()
    if attempt is not None:
        # Not while somebody is fetching what it is said to be news of.
        unfetched = Q(poll_at__isnull=False) | Q(accepted_at=None)
        Attempt.objects.filter(unfetched, pk=attempt.pk, outcome="").update(poll_at=db_now(), poll_token="")
    return attempt
