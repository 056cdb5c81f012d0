"""Rows that grow for ever, newest first: pages that lose and double nothing while new ones come, and filters that never
read more than a bounded number of rows, however seldom they find something.

For rows of one tenant whose index ends in Abs("id"), and which have `created_at`: numbers rise with time, but for the
moments of an insert and jumps of SQLite's clock, both within SLACK.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from django.db.models import Expression, F, Model, Q, QuerySet
from django.db.models.functions import Abs

M = TypeVar("M", bound=Model)

WINDOW = 2_000
SLACK = datetime.timedelta(hours=1)
BY_TENANT, OF_ALL = Abs("id"), F("id")
HIGHEST = 2**63 - 1
# Numbers apart: nearer than that nothing is gained by looking closer. Whoever brackets a stretch of days reads so many
# rows in vain at each of its ends.
CLOSE = 250


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """`position` fetches what follows; None at the end."""

    rows: Sequence[M]
    position: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of `since` and later, before `until`; and what else is asked for."""

    condition: Q = Q()  # noqa: RUF009 - never changed
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None

    @property
    def is_everything(self) -> bool:
        return not self.condition and self.since is None and self.until is None

    @property
    def as_condition(self) -> Q:
        condition = self.condition
        if self.since is not None:
            condition &= Q(created_at__gte=self.since)
        if self.until is not None:
            condition &= Q(created_at__lt=self.until)
        return condition


EVERYTHING = Wanted()


def page(
    rows: "QuerySet[M]", *, limit: int, position: int | None = None, wanted: Wanted = EVERYTHING
) -> Page[M]:
    """At most `limit` rows with a number below `position`. With a filter there may be fewer, even none, although more
    follow: one page looks at no more than WINDOW rows.
    """
    numbered = _numbered(rows)
    if position is None and wanted.until is not None:
        position = bracket(rows, wanted.until + SLACK)[1]
    if position is not None:
        numbered = numbered.filter(ordinal__lt=position)
    if wanted.is_everything:
        return _cut(list(numbered[: limit + 1]), limit, None)
    edge = numbered.values_list("pk", "created_at")[WINDOW - 1 : WINDOW].first()
    found = numbered.filter(wanted.as_condition)
    if edge is None:
        return _cut(list(found[: limit + 1]), limit, None)
    number, created_at = edge
    is_over = wanted.since is not None and created_at < wanted.since - SLACK
    return _cut(list(found.filter(ordinal__gte=number)[: limit + 1]), limit, None if is_over else number)


def _cut(found: list[M], limit: int, follows: int | None) -> Page[M]:
    return Page(found[:limit], found[limit - 1].pk if len(found) > limit else follows)


def bracket(
    rows: "QuerySet[Any]",
    moment: datetime.datetime,
    *,
    by: Expression | F = BY_TENANT,
    time: str = "created_at",
) -> tuple[int, int | None]:
    """(low, high): rows with numbers below `low` are older than `moment`, those from `high` on are not; None: all of
    them are older. A handful of looks, each at one row. `by`: what the index of these rows is of.
    """
    numbered = _numbered(rows, by).values_list("pk", time)
    newest = numbered.filter(ordinal__lt=HIGHEST).first()
    if newest is None or newest[1] < moment:
        return (newest[0] if newest else 0), None
    low, high = 0, newest[0]
    while high - low > CLOSE:
        middle = (low + high) // 2
        below = numbered.filter(ordinal__lt=middle).first()
        if below is None or below[1] < moment:
            low = middle
        else:
            high = below[0]
    return low, high


def _numbered(rows: "QuerySet[M]", by: Expression | F = BY_TENANT) -> "QuerySet[M]":
    # By the expression that the index is of: see docs/decisions/0009-few-indexes.md.
    return cast("QuerySet[M]", rows.alias(ordinal=by).order_by("-ordinal"))
