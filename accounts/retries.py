"""Rows that are worked on when they are due, by whoever is first, and ever more seldom while that fails."""

import datetime
from typing import Any

from django.db.models import F, Model, QuerySet

from accounts.clock import db_now


def pause(tries: int, *, first_s: int, longest_s: int) -> datetime.timedelta:
    """After so many tries before this one: twice as long each time."""
    return datetime.timedelta(seconds=min(longest_s, first_s * 2 ** min(tries, 10)))


def claim(
    rows: QuerySet[Any],
    row: Model,
    *,
    first_s: int,
    longest_s: int,
    due: str = "due_at",
    tries: str = "tries",
) -> bool:
    """Whether `row`, one of `rows`, is ours: of all who saw it due, one gets it. It is due again after the pause.

    By the count of tries and not by the time: SQLite compares times as texts, of which two can mean the same.
    """
    seen: int = getattr(row, tries)
    mine = rows.filter(pk=row.pk, **{f"{due}__lte": db_now(), tries: seen})
    later = db_now() + pause(seen, first_s=first_s, longest_s=longest_s)
    return bool(mine.update(**{due: later, tries: F(tries) + 1}))
