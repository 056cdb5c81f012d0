"""What an operator looks at first: what today brought and cost, what waits, how the upstreams are."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, Max, Q, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import figures
from accounts.clock import read_db_now
from accounts.desk.scope import is_platform, scope_of
from accounts.models import OperatorAlert, User
from billing import books, reads
from billing.currencies import value_shown
from billing.models import BooksCheck
from generations import backlog, today
from generations.charts import Chart, bars
from generations.models import Attempt, Upstream
from generations.today import DAYS, Days, Sums
from generations.upstream_states import state_of

LATEST_ATTEMPTS = 2_000  # of all upstreams together
LATEST_ALERTS = 5
MOST_UPSTREAMS = 50


@dataclass(frozen=True, slots=True)
class Figure:
    """`more`: what stands below it, small."""

    name: str
    value: str
    more: str = ""
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart, with its bars' values in words."""

    name: str
    chart: Chart
    words: Sequence[tuple[str, str]]
    total: str


@dataclass(frozen=True, slots=True)
class InOneCurrency:
    """What shops of one currency brought and cost; `currency`: in capitals, "" where there is no other."""

    currency: str
    figures: Sequence[Figure]
    in_all: Sequence[Figure]
    charts: Sequence[Drawn]


@dataclass(frozen=True, slots=True)
class Health:
    """Of an upstream: what it has in hand, its circuit, and of its latest attempts how many went well."""

    name: str
    path: str
    state: str
    is_bad: bool
    tried: int
    percent: float | None


def context(request: HttpRequest) -> dict[str, Any]:
    """What this operator may see of it."""
    user = request.user
    if not isinstance(user, User):
        return {}
    found: dict[str, Any] = {"title": _("Today")}
    scope = scope_of(request)
    if user.has_perm("billing.view_ledgerentry"):
        found |= _sums(scope)
    if user.has_perm("generations.view_generation"):
        found["queue"] = _queue(scope)
    if user.has_perm("generations.view_upstream"):
        found["upstreams"], found["all_upstreams"] = _upstreams(scope)
    if is_platform(request) and user.has_perm("billing.view_bookscheck"):
        found["books"] = _books(books.last())
    if user.has_perm("accounts.view_operatoralert"):
        alerts = OperatorAlert.objects.order_by("-pk")
        found["alerts"] = (alerts if scope is None else alerts.filter(shop=scope))[:LATEST_ALERTS]
    return found


def _sums(scope: int | None) -> dict[str, Any]:
    """Amounts of several currencies stand beside each other, and are never added up."""
    by_currency = today.last_days(scope)
    one = next(iter(by_currency.values()))
    start = datetime.datetime.combine(one.days[0][0], datetime.time(), datetime.UTC)
    sold = reads.sold_by_day(start, scope)
    currencies = sorted({*by_currency, *sold})
    nothing = Days([(day, Sums()) for day, _sums in one.days], one.missing)
    parts = [
        _in_one_currency(
            by_currency.get(currency, nothing),
            sold.get(currency, {}),
            currency,
            is_alone=len(currencies) == 1,
        )
        for currency in currencies
    ]
    return {"parts": parts, "days": DAYS, "missing": one.missing}


def _in_one_currency(
    days: Days, sold: Mapping[datetime.date, int], currency: str, *, is_alone: bool
) -> InOneCurrency:
    return InOneCurrency(
        "" if is_alone else currency.upper(),
        _figures(days.today, sold.get(days.days[-1][0], 0), currency),
        _figures(days.total, sum(sold.values()), currency),
        _charts(days, sold, currency),
    )


def _figures(sums: Sums, sold_micros: int, currency: str) -> list[Figure]:
    def money(micros: int) -> str:
        return value_shown(micros, currency)

    percent = figures.percent(100 * sums.margin_micros / sums.income_micros, 0) if sums.income_micros else ""
    rate = sums.failure_percent
    ended = sums.succeeded + sums.failed
    return [
        Figure(_("Revenue"), money(sums.income_micros), _("what delivered images were paid with")),
        Figure(_("Upstream cost"), money(sums.cost_micros)),
        Figure(_("Margin"), money(sums.margin_micros), percent, is_bad=sums.margin_micros < 0),
        Figure(_("Sold"), money(sold_micros), _("net of tax and of what was given back")),
        Figure(_("Images"), figures.count(sums.images), _orders(sums.succeeded)),
        Figure(
            _("Failure rate"),
            "–" if rate is None else figures.percent(rate),
            _("%(failed)s of %(ended)s")
            % {"failed": figures.count(sums.failed), "ended": figures.count(ended)},
            is_bad=rate is not None and rate >= 10,
        ),
    ]


def _charts(days: Days, sold: Mapping[datetime.date, int], currency: str) -> list[Drawn]:
    def drawn(name: str, values: Sequence[int], *, is_money: bool) -> Drawn:
        def word(value: int) -> str:
            return value_shown(value, currency) if is_money else figures.count(value)

        named = [(figures.day(day), value) for (day, _sums), value in zip(days.days, values, strict=True)]
        words = [(day, word(value)) for day, value in named]
        return Drawn(name, bars([(day, max(0, value)) for day, value in named]), words, word(sum(values)))

    each = [sums for _day, sums in days.days]
    return [
        drawn(_("Revenue"), [one.income_micros for one in each], is_money=True),
        drawn(_("Upstream cost"), [one.cost_micros for one in each], is_money=True),
        drawn(_("Sold"), [sold.get(day, 0) for day, _sums in days.days], is_money=True),
        drawn(_("Images"), [one.images for one in each], is_money=False),
        drawn(_("Failed orders"), [one.failed for one in each], is_money=False),
    ]


def _queue(scope: int | None) -> Figure:
    """How long others' orders wait is not a shop's to know."""
    waiting, age = backlog.queued(scope)
    words = ngettext("%(count)s order waits", "%(count)s orders wait", waiting)
    words %= {"count": figures.count(waiting)}
    return Figure(_("Oldest order in the queue"), figures.duration(age), words, is_bad=age > 60)


def _orders(count: int) -> str:
    return ngettext("%(count)s order", "%(count)s orders", count) % {"count": figures.count(count)}


def _upstreams(scope: int | None) -> tuple[list[Health], int]:
    """Those that want looking at first; and how many there are, where not all of them may fit."""
    counts = _latest_attempts()
    failing = [pk for pk, (well, tried) in counts.items() if 2 * well < tried]
    urgency = Case(
        When(enabled=False, then=Value(3)),
        When(state__opened_at__isnull=False, then=Value(0)),
        When(pk__in=failing, then=Value(1)),
        default=Value(2),
    )
    every = Upstream.objects.all() if scope is None else Upstream.objects.filter(shop=scope)
    rows = every.select_related("state", "shop").order_by(
        urgency, "state__opened_at", "priority", "name", "pk"
    )
    found = list(rows[:MOST_UPSTREAMS])
    names_shops = len({row.shop_id for row in found}) > 1
    now = read_db_now()
    shown = [
        _health(row, *counts.get(row.pk, (0, 0)), of=row.shop.name if names_shops else "", now=now)
        for row in found
    ]
    return shown, every.count() if len(found) == MOST_UPSTREAMS else 0


def _latest_attempts() -> Mapping[int, tuple[int, int]]:
    """Of each upstream: how many of them went well, of how many."""
    newest = Attempt.objects.aggregate(newest=Max("pk"))["newest"] or 0
    latest = Attempt.objects.filter(pk__gt=newest - LATEST_ATTEMPTS, upstream__isnull=False).exclude(
        outcome=""
    )
    return {
        upstream: (well, tried)
        for upstream, well, tried in latest.order_by()
        .values_list("upstream")
        .annotate(well=Count("pk", filter=Q(outcome="ok")), tried=Count("pk"))
    }


def _health(row: Upstream, well: int, tried: int, *, of: str, now: datetime.datetime) -> Health:
    return Health(
        f"{of}: {row.name}" if of else row.name,
        reverse("admin:generations_upstream_change", args=[row.pk]),
        state_of(row, now) if row.enabled else _("disabled"),
        row.enabled and row.state.opened_at is not None,
        tried,
        100 * well / tried if tried else None,
    )


def _books(row: BooksCheck) -> dict[str, Any]:
    minutes = int(books.EVERY.total_seconds() // 60)
    return {
        "row": row,
        "is_overdue": books.is_overdue(row),
        "path": reverse("admin:books"),
        "minutes": minutes,
    }
