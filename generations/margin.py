"""What orders brought and what they cost, as both were booked: income is the value that an order's capture took from
its wallet, cost what its attempts cost. Neither changes when prices do.

Of orders that ended in a window of days (UTC), by the index of their ends, a day at a time: no statement reads more
than one day of business, and none counts an order twice. So the sums of any grouping are those of ledger and attempts.
"""

import csv
import datetime
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias, cast

from django.db.models import Case, CharField, Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce, Concat
from django.utils.translation import gettext_lazy as _

from accounts.audit_log import defused
from accounts.clock import TICK
from accounts.models import Shop
from accounts.organizations import full_slug
from billing import reads
from generations.models import Attempt, Generation
from generations.providers.base import OutcomeKind

MICROS = 1_000_000
MOST_DAYS = 92
PAGE, PORTION, PORTION_OF_IDS = 50, 2_000, 500
GROUPINGS = {
    "day": _("day"),
    "shop": _("shop"),
    "customer": _("customer"),
    "upstream": _("upstream"),
    "model": _("model"),
    "task": _("task"),
}
_DAY = datetime.timedelta(days=1)
CURRENCY = "organization__shop__currency"
Rows: TypeAlias = "QuerySet[Generation]"


@dataclass(frozen=True, slots=True)
class Window:
    """Days in UTC, both included."""

    start: datetime.date
    end: datetime.date

    def days(self) -> Iterator["tuple[datetime.date, datetime.datetime, datetime.datetime]"]:
        """Each with the moments of its begin and its end."""
        day = self.start
        while day <= self.end:
            since = datetime.datetime.combine(day, datetime.time(), datetime.UTC)
            yield day, since, since + _DAY
            day += _DAY


@dataclass(frozen=True, slots=True)
class MarginRow:
    """Of `orders` that have `name` in common; amounts in millionths of `currency`. `more`: of a task alone."""

    name: str
    orders: int
    income_micros: int
    cost_micros: int
    more: tuple[str, ...] = ()
    currency: str = ""

    @property
    def margin_micros(self) -> int:
        return self.income_micros - self.cost_micros


def total(rows: Iterable[MarginRow]) -> MarginRow:
    """Of rows of one currency."""
    found = totals(rows)
    if len(found) > 1:
        raise ValueError("What is in several currencies is never added up.")
    return found[0] if found else MarginRow("", 0, 0, 0)


def totals(rows: Iterable[MarginRow]) -> list[MarginRow]:
    """One for each currency: what is in several is never added up."""
    sums: dict[str, list[int]] = {}
    for row in rows:
        one = sums.setdefault(row.currency, [0, 0, 0])
        for position, number in enumerate((row.orders, row.income_micros, row.cost_micros)):
            one[position] += number
    return [
        MarginRow("", orders, income, cost, currency=currency)
        for currency, (orders, income, cost) in sorted(sums.items())
    ]


def grouped(window: Window, by: str, shop_id: int | None = None) -> list[MarginRow]:
    """Of a shop, or of all; by one of GROUPINGS but tasks, and by currency. Days in their order, everything else by
    what it cost or brought, most first.
    """
    sums: dict[tuple[str, str], list[int]] = {}
    for day, since, until in window.days():
        for currency, name, *numbers in _day(day, ended(since, until, shop_id), by, of_all=shop_id is None):
            one = sums.setdefault((name, currency), [0, 0, 0])
            for position, number in enumerate(numbers):
                one[position] += number or 0
    rows = [
        MarginRow(name, orders, income, cost, currency=currency)
        for (name, currency), (orders, income, cost) in sums.items()
    ]
    if by == "day":
        return sorted(rows, key=lambda row: (row.name, row.currency))
    return sorted(rows, key=lambda row: (-max(row.income_micros, row.cost_micros), row.name))


def _day(day: datetime.date, rows: Rows, by: str, *, of_all: bool) -> Iterator[tuple[Any, ...]]:
    """(currency, name, orders, income, cost), several for one name."""
    if by == "upstream":
        yield from _by_upstream(rows, of_all=of_all)
        return
    fields: dict[str, list[Any]] = {
        "shop": ["organization__shop__slug"],
        "customer": [customer_name(of_all=of_all)],
        "model": ["model__slug"],
        "day": [],
    }
    sums = {"number": Count("pk"), "brought": Sum(_income()), "took": Sum(_cost())}
    for currency, *found in rows.order_by().values_list(CURRENCY, *fields[by]).annotate(**sums):
        yield (currency, *([day.isoformat()] if by == "day" else ()), *found)


def _by_upstream(rows: Rows, *, of_all: bool) -> Iterator[tuple[Any, ...]]:
    """Costs are each attempt's upstream's; what an order brought, with the order, that of the last that delivered."""
    its_name = upstream_name(of_all=of_all)
    delivered = Attempt.objects.filter(generation=OuterRef("pk"), outcome=OutcomeKind.OK)
    last = Subquery(delivered.order_by("-number").values(name=its_name)[:1])
    named = rows.annotate(name=Coalesce(last, Value(""))).order_by().values_list(CURRENCY, "name")
    for currency, name, number, brought in named.annotate(number=Count("pk"), brought=Sum(_income())):
        yield currency, name, number, brought, 0
    # By portions of numbers: joined to a whole day of orders, the database may read all attempts there ever were.
    ids = list(rows.values_list("pk", flat=True))
    for start in range(0, len(ids), PORTION_OF_IDS):
        attempts = Attempt.objects.filter(generation__in=ids[start : start + PORTION_OF_IDS])
        costs = attempts.exclude(cost_micros=0).annotate(name=its_name)
        summed = costs.order_by().values_list(f"generation__{CURRENCY}", "name").annotate(Sum("cost_micros"))
        for currency, name, cost in summed:
            yield currency, name, 0, 0, cost


def customer_name(*, of_all: bool) -> Any:
    """Of orders; likewise."""
    slug = F("organization__slug")
    if not of_all or Shop.objects.count() < 2:
        return slug
    return Concat(F("organization__shop__slug"), Value("/"), slug, output_field=CharField())


def upstream_name(*, of_all: bool) -> Case:
    """Of attempts. Two shops may call theirs the same, so each says whose it is where there are several."""
    name: Any = F("upstream__name")
    if of_all and Shop.objects.count() > 1:
        parts = (F("upstream__shop__slug"), Value(": "), F("upstream__name"))
        name = Concat(*parts, output_field=CharField())
    return Case(When(upstream=None, then=F("provider")), default=name, output_field=CharField())


def ended(since: datetime.datetime, until: datetime.datetime, shop_id: int | None = None) -> Rows:
    """Before `until`; of a shop, or of all."""
    rows = Generation.objects.filter(finished_at__gte=since, finished_at__lt=until)
    return rows if shop_id is None else rows.filter(organization__shop=shop_id)


def _income() -> Coalesce:
    reference = Concat(Value("generation:"), OuterRef("task_id"))
    return Coalesce(reads.income_of(reference), 0)


def _cost() -> Coalesce:
    costs = Attempt.objects.filter(generation=OuterRef("pk")).order_by().values("generation")
    return Coalesce(Subquery(costs.annotate(cost=Sum("cost_micros")).values("cost")), 0)


# --- By task ------------------------------------------------------------------------------------


def tasks(
    window: Window,
    *,
    before: tuple[datetime.datetime, int] | None = None,
    limit: int = PAGE,
    shop_id: int | None = None,
) -> list[tuple[MarginRow, tuple[datetime.datetime, int]]]:
    """The latest that ended, of a shop or of all, each with the place that those after it come `before`."""
    since = datetime.datetime.combine(window.start, datetime.time(), datetime.UTC)
    rows = ended(since, since + (window.end - window.start + _DAY), shop_id)
    if before is not None:
        moment, pk = before
        earlier = Q(finished_at__lte=moment - TICK)
        rows = rows.filter(earlier | Q(pk__lt=pk), finished_at__lt=moment + TICK)
    rows = rows.select_related("organization__shop", "model").annotate(income=_income(), cost=_cost())
    found, of_several = [], shop_id is None and Shop.objects.count() > 1
    for row in rows.order_by("-finished_at", "-pk")[:limit]:
        ended_at = cast(datetime.datetime, row.finished_at)
        customer = full_slug(row.organization) if of_several else row.organization.slug
        more = (f"{ended_at:%Y-%m-%d %H:%M:%S}", customer, row.model.slug, row.status)
        currency = row.organization.shop.currency
        line = MarginRow(row.task_id, 1, row.income, row.cost, more, currency)
        found.append((line, (ended_at, row.pk)))
    return found


def _all_tasks(window: Window, shop_id: int | None) -> Iterator[MarginRow]:
    before = None
    while found := tasks(window, before=before, limit=PORTION, shop_id=shop_id):
        for row, place in found:
            yield row
            before = place


# --- As a file ----------------------------------------------------------------------------------


def as_csv(window: Window, by: str, shop_id: int | None = None) -> Iterator[str]:
    """Amounts with six decimals, each in the currency that its line ends with."""
    more = ("ended_at", "customer", "model", "status") if by == "task" else ("orders",)
    yield csv_lines([(by, *more, "income", "cost", "margin", "currency")])
    rows = _all_tasks(window, shop_id) if by == "task" else iter(grouped(window, by, shop_id))
    for row in rows:
        amounts = (row.income_micros, row.cost_micros, row.margin_micros)
        fields = row.more or (str(row.orders),)
        yield csv_lines([(*map(defused, (row.name, *fields)), *map(decimal, amounts), row.currency)])


def decimal(micros: int) -> str:
    return f"{Decimal(micros) / MICROS:.6f}"


def csv_lines(rows: Iterable[Sequence[str]]) -> str:
    """What others wrote is to be defused before."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
