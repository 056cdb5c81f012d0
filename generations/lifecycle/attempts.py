"""What becomes of an attempt: its outcome is written once, and gives back the upstream's place.

Beside the words of OutcomeKind: `not_stored` (the disk was full), `late` (its generation had ended before), `unknown`
(made in this house, and its worker never said), `orphan` (nobody knows; what it may have cost is booked),
`canceled_cost` (canceled by the customer, made and billed by the upstream all the same).
"""

from django.db.models import Q

from accounts.clock import db_now
from accounts.statements import Insert, Update
from generations import circuit
from generations.models import ENDED, Attempt, Generation, Status
from generations.providers.base import OutcomeKind

LEFT_OPEN = "unknown"
LATE, ORPHAN, CANCELED_COST = "late", "orphan", "canceled_cost"

insert_attempt = Insert(Attempt)


def close_attempt(attempt: Attempt, outcome: str, *, detail: str = "", cost_micros: int = 0) -> bool:
    """Inside the transaction that changes its generation. False when its outcome was known before."""
    values = {"outcome": str(outcome), "detail": detail[:500], "cost_micros": cost_micros}
    if attempt.upstream_id is None:
        return bool(_write_outcome(pk=attempt.pk, **values))
    if not _write_first_outcome(pk=attempt.pk, **values):
        return False
    circuit.leave_place(attempt, str(outcome), detail)
    return True


_write_outcome = Update(
    lambda pk, **outcome: (Attempt.objects.filter(pk=pk), {**outcome, "finished_at": db_now()})
)
_write_first_outcome = Update(
    lambda pk, **outcome: (
        Attempt.objects.filter(pk=pk, outcome=""),
        {**outcome, "finished_at": db_now(), "poll_at": None},
    )
)


def note_late(attempt: Attempt, *, detail: str = "", cost_micros: int = 0) -> None:
    """Books what a worker that lost its generation still found out. Only once the generation has ended: until
    then another worker may be driving this very attempt, and its outcome is the one that counts.
    """
    ended = Generation.objects.filter(pk=attempt.generation_id, status__in=ENDED).values_list(
        "status", flat=True
    )
    status = ended.first()
    if status is None:
        return
    canceled = CANCELED_COST if cost_micros else OutcomeKind.CANCELED.value
    outcome = canceled if status == Status.CANCELED else LATE
    if attempt.upstream_id is not None and close_attempt(
        attempt, outcome, detail=detail, cost_micros=cost_micros
    ):
        return
    # Given up for unknown before, and now it is known; its place was given back then.
    Attempt.objects.filter(
        Q(outcome="", upstream=None) | Q(outcome__in=(LEFT_OPEN, ORPHAN)), pk=attempt.pk
    ).update(outcome=outcome, detail=detail[:500], cost_micros=cost_micros, finished_at=db_now())


def leave_attempts(generation: Generation) -> None:
    """Its generation has ended; what became of it nobody knows, unless its worker still says. An upstream's stays
    open: it may still be at work, and is asked until it says what it did (polling.py) or is given up (sweeps.py).
    """
    Attempt.objects.filter(generation=generation, outcome="", upstream=None).update(
        outcome=LEFT_OPEN, finished_at=db_now()
    )
