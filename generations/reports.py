"""What customers used: counts, credits and seconds by day, key and model, from the orders themselves."""

import datetime
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import (
    Case,
    Count,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Abs, Coalesce, TruncDate
from django.utils.translation import gettext_lazy as _

from accounts import newest_first
from accounts.errors import InvalidField
from accounts.models import ApiKey, Organization
from generations.models import ENDED, Generation, Image, ImageModel, Status

GROUPS = frozenset({"day", "key", "model"})
MOST_ROWS = 20_000
_DAY = datetime.timedelta(days=1)
Group = tuple[datetime.date | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Of a day, or of all days from `start` on; of one key or model where that was asked for. A key is shown by its
    first characters; None stands for orders that people made on the pages, or for all of them together.
    """

    start: datetime.date
    key: str | None
    model: str | None
    succeeded: int
    failed: int
    credits: int
    p50_seconds: float | None
    p95_seconds: float | None

    @property
    def data(self) -> dict[str, Any]:
        return {
            "start": self.start.isoformat(),
            "key": self.key,
            "model": self.model,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "credits": self.credits,
            "p50_seconds": self.p50_seconds,
            "p95_seconds": self.p95_seconds,
        }


class Tenths(Func):
    """From one time to a later one, in tenths of a second: so few different ones that the database can count them."""

    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "ROUND(EXTRACT(EPOCH FROM (%(expressions)s)) * 10)::integer"
        return super().as_sql(compiler, connection, template=template, arg_joiner=" - ", **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        sides = [compiler.compile(expression)[0] for expression in self.get_source_expressions()]
        later, earlier = sides
        return f"CAST(ROUND((julianday({later}) - julianday({earlier})) * 864000) AS INTEGER)", []


@dataclass(slots=True)
class _Sum:
    failed: int = 0
    credits: int = 0
    tenths: Counter[int] = field(default_factory=Counter)


def usage(
    organization: Organization,
    *,
    livemode: bool,
    start: datetime.date,
    end: datetime.date,
    by: frozenset[str],
) -> list[UsageRow]:
    """Of orders accepted from `start` to `end`, days in UTC, both included; newest day first.

    Seconds are from acceptance to the end of those that succeeded. Reads as many rows as there are orders in these
    days. Raises InvalidField when there are too many groups to show.
    """
    return list(_rows(_sums(organization, livemode, start, end, by), start))


def by_day_and_in_all(
    organization: Organization, *, livemode: bool, start: datetime.date, end: datetime.date
) -> tuple[list[UsageRow], UsageRow | None]:
    """As usage() by day, and the row of all of these days, None for nothing; the orders are read once."""
    days = _sums(organization, livemode, start, end, frozenset({"day"}))
    if not days:
        return [], None
    total = _Sum(
        sum(one.failed for one in days.values()),
        sum(one.credits for one in days.values()),
        sum((one.tenths for one in days.values()), Counter()),
    )
    [row] = _rows({(None, None, None): total}, start)
    return list(_rows(days, start)), row


def _sums(
    organization: Organization, livemode: bool, start: datetime.date, end: datetime.date, by: frozenset[str]
) -> dict[Group, _Sum]:
    sums: dict[Group, _Sum] = {}
    for day, key_id, model_id, tenths, succeeded, failed, credits in _counted(
        _accepted(organization, livemode, start, end), by
    ):
        one = sums.setdefault((day, key_id, model_id), _Sum())
        if len(sums) > MOST_ROWS:
            raise InvalidField(_("Too many rows: ask for fewer days, or group by less"), param="group_by")
        one.failed += failed
        one.credits += credits
        if succeeded:
            one.tenths[tenths] += succeeded
    return sums


def _accepted(
    organization: Organization, livemode: bool, start: datetime.date, end: datetime.date
) -> "QuerySet[Generation]":
    rows = Generation.objects.filter(organization=organization, livemode=livemode)
    since = datetime.datetime.combine(start, datetime.time(), datetime.UTC)
    until = datetime.datetime.combine(end, datetime.time(), datetime.UTC) + _DAY
    low, _high = newest_first.bracket(rows, since - newest_first.SLACK)
    _low, high = newest_first.bracket(rows, until + newest_first.SLACK)
    within = rows.alias(number=Abs("id")).filter(number__gte=low)
    if high is not None:
        within = within.filter(number__lt=high)
    return within.filter(created_at__gte=since, created_at__lt=until)


def _counted(rows: "QuerySet[Generation]", by: frozenset[str]) -> Iterator[tuple[Any, ...]]:
    """(day, key, model, tenths, succeeded, failed, credits), several for each group."""
    nothing = Value(None, output_field=IntegerField())
    has_succeeded = Q(status=Status.SUCCEEDED)
    delivered = (
        Image.objects.filter(generation=OuterRef("pk"))
        .order_by()
        .values("generation")
        .values_list(Count("pk"))
    )
    paid = Case(
        When(~has_succeeded, then=0),
        When(n=1, then=F("price_credits")),
        default=F("price_credits") * Coalesce(Subquery(delivered), 0) / F("n"),
        output_field=IntegerField(),
    )
    took = Tenths(F("finished_at"), F("created_at"))
    grouped = rows.filter(status__in=ENDED).values_list(
        TruncDate("created_at", tzinfo=datetime.UTC) if "day" in by else nothing,
        F("key_id") if "key" in by else nothing,
        F("model_id") if "model" in by else nothing,
        Case(When(has_succeeded, then=took), default=None),
    )
    counted = grouped.annotate(
        succeeded=Count("pk", filter=has_succeeded),
        failed=Count("pk", filter=Q(status=Status.FAILED)),
        credits=Sum(paid),
    )
    return counted.order_by().iterator()


def _rows(sums: dict[Group, _Sum], start: datetime.date) -> Iterator[UsageRow]:
    keys = dict(ApiKey.objects.filter(pk__in={key for _, key, _ in sums if key}).values_list("pk", "prefix"))
    models = dict(ImageModel.objects.values_list("pk", "slug"))
    named = [
        (day or start, keys.get(key or 0), models.get(model or 0), one)
        for (day, key, model), one in sums.items()
    ]
    for day, key, model, one in sorted(
        named, key=lambda row: (-row[0].toordinal(), row[1] or "", row[2] or "")
    ):
        yield UsageRow(
            day,
            key,
            model,
            one.tenths.total(),
            one.failed,
            one.credits,
            _percentile(one.tenths, 50),
            _percentile(one.tenths, 95),
        )


def _percentile(tenths: Counter[int], percent: int) -> float | None:
    """By nearest rank, in seconds."""
    rank = math.ceil(tenths.total() * percent / 100)
    for value in sorted(tenths):
        rank -= tenths[value]
        if rank <= 0:
            return value / 10
    return None
