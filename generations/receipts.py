"""What became of the money of one order: promised, tried, settled, and the balance around it."""

from typing import Any

from accounts.times import time_text
from billing import reads
from generations.models import Attempt, Generation

# As customers may see them: what an upstream says of our account with it is nothing of theirs.
OUTCOMES = {
    "ok": "ok",
    "busy": "busy",
    "limited": "busy",
    "rejected": "rejected",
    "invalid": "invalid",
    "timeout": "timeout",
    "canceled": "canceled",
    "canceled_cost": "canceled",
    "late": "unknown",
    "unknown": "unknown",
    "orphan": "unknown",
}


def receipt_data(generation: Generation) -> dict[str, Any]:
    """`hold` and `settlement` are null where nothing costs anything, `settlement` also while it is open.

    `available_before` is what was there just before the hold, `available_after` just after the settlement, other
    orders included; null where that is not known.
    """
    money = reads.holding(generation.reference)
    attempts = Attempt.objects.filter(generation=generation).order_by("number")
    return {
        "task": generation.task_id,
        "hold": money and {"credits": money.held, "at": time_text(money.held_at)},
        "attempts": [_attempt_data(attempt, has_ended=generation.has_ended) for attempt in attempts],
        "settlement": _settlement_data(money),
        "available_before": money.available_before if money else None,
        "available_after": money.available_after if money else None,
    }


def _attempt_data(attempt: Attempt, *, has_ended: bool) -> dict[str, Any]:
    seconds = None
    if attempt.finished_at is not None:
        seconds = round((attempt.finished_at - attempt.submitted_at).total_seconds(), 2)
    still = "unknown" if has_ended else "running"
    outcome = OUTCOMES.get(attempt.outcome, "failed") if attempt.outcome else still
    return {"number": attempt.number, "outcome": outcome, "seconds": seconds}


def _settlement_data(money: reads.Holding | None) -> dict[str, Any] | None:
    if money is None or money.settled_by is None:
        return None
    return {
        "kind": money.settled_by,
        "consumed": money.held - money.returned,
        "returned": money.returned,
        "at": time_text(money.settled_at),
    }
