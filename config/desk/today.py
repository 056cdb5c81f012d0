"""What an operator looks at first: what today brought and cost, what waits, how the upstreams are."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import OperatorAlert, User
from accounts.organizations import first_shop
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
    if user.has_perm("billing.view_ledgerentry"):
        found |= _sums()
    if user.has_perm("generations.view_generation"):
        found["queue"] = _queue()
    if user.has_perm("generations.view_upstream"):
        found["upstreams"] = _upstreams()
    if user.has_perm("billing.view_bookscheck"):
        found["books"] = _books(books.last())
    if user.has_perm("accounts.view_operatoralert"):
        found["alerts"] = OperatorAlert.objects.order_by("-pk")[:LATEST_ALERTS]
    return found


def _sums() -> dict[str, Any]:
    days, currency = today.last_days(), first_shop().currency
    start = datetime.datetime.combine(days.days[0][0], datetime.time(), datetime.UTC)
    sold = reads.sold_by_day(start)
    figures = _figures(days.today, sold.get(days.days[-1][0], 0), currency)
    return {
        "figures": figures,
        "in_all": _figures(days.total, sum(sold.values()), currency),
        "days": DAYS,
        "charts": _charts(days, sold, currency),
        "missing": days.missing,
    }


def _figures(sums: Sums, sold_micros: int, currency: str) -> list[Figure]:
    def money(micros: int) -> str:
        return value_shown(micros, currency)

    percent = f"{100 * sums.margin_micros / sums.income_micros:.0f} %" if sums.income_micros else ""
    rate = sums.failure_percent
    ended = sums.succeeded + sums.failed
    return [
        Figure(_("Revenue"), money(sums.income_micros), _("what delivered images were paid with")),
        Figure(_("Upstream cost"), money(sums.cost_micros)),
        Figure(_("Margin"), money(sums.margin_micros), percent, is_bad=sums.margin_micros < 0),
        Figure(_("Sold"), money(sold_micros), _("net of tax and of what was given back")),
        Figure(_("Images"), f"{sums.images:,}", _("%(count)s orders") % {"count": f"{sums.succeeded:,}"}),
        Figure(
            _("Failure rate"),
            "–" if rate is None else f"{rate:.1f} %",
            _("%(failed)s of %(ended)s") % {"failed": f"{sums.failed:,}", "ended": f"{ended:,}"},
            is_bad=rate is not None and rate >= 10,
        ),
    ]


def _charts(days: Days, sold: Mapping[datetime.date, int], currency: str) -> list[Drawn]:
    def drawn(name: str, values: Sequence[int], *, is_money: bool) -> Drawn:
        def word(value: int) -> str:
            return value_shown(value, currency) if is_money else f"{value:,}"

        named = [(day.isoformat(), value) for (day, _sums), value in zip(days.days, values, strict=True)]
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


def _queue() -> Figure:
    found = backlog.measure()
    words = _("%(count)s orders wait") % {"count": f"{found.waiting:,}"}
    age = backlog.oldest_s()
    return Figure(_("Oldest order in the queue"), _duration(age), words, is_bad=age > 60)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _upstreams() -> list[Health]:
    newest = Attempt.objects.aggregate(newest=Max("pk"))["newest"] or 0
    latest = Attempt.objects.filter(pk__gt=newest - LATEST_ATTEMPTS, upstream__isnull=False).exclude(
        outcome=""
    )
    counts = {
        upstream: (well, tried)
        for upstream, well, tried in latest.order_by()
        .values_list("upstream")
        .annotate(well=Count("pk", filter=Q(outcome="ok")), tried=Count("pk"))
    }
    rows = Upstream.objects.select_related("state").order_by("-enabled", "priority", "name")
    return [_health(row, *counts.get(row.pk, (0, 0))) for row in rows]


def _health(row: Upstream, well: int, tried: int) -> Health:
    return Health(
        row.name,
        reverse("admin:generations_upstream_change", args=[row.pk]),
        state_of(row) if row.enabled else _("disabled"),
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
