"""Counts of business that only grow, in rows: the same for all processes and machines, and after every restart.

Nothing of it is done while customers wait. Every few seconds whoever hears the beat counts what came since, by index,
and adds it in one transaction that also moves the marks, so what happened is counted once. Rows are counted LAG after
they were written, when all who were writing with them have committed.
"""

import datetime
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Min, Model, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from accounts import shops
from accounts.clock import db_now, read_db_now
from billing.models import EntryKind, LedgerEntry
from generations.models import Attempt, Generation, Meter, MeterMarks
from generations.providers.base import OutcomeKind
from generations.reports import Tenths
from webhooks.models import WebhookAttempt

# A statement ends after 15 s, as does a try of a webhook, and a transaction that waits for its next one after 30 s.
LAG = datetime.timedelta(seconds=45)
PORTION = 20_000

ACCEPTED = "tintype_orders_accepted"
ENDED = "tintype_orders_ended"
ATTEMPTS = "tintype_attempts"
ATTEMPT_TENTHS = "tintype_attempt_tenths"
COST = "tintype_upstream_cost_micros"
CREDITS = "tintype_credits"
INCOME = "tintype_income_micros"
WEBHOOKS = "tintype_webhook_tries"
# Not counts, but what keep() keeps.
BOOKS_CHECKED = "tintype_books_checked_timestamp_seconds"
BOOKS_FINDINGS = "tintype_books_findings"

Counts = Counter[tuple[str, str]]
# What a change of credits is called, and how many of them moved: by what was promised, not by what was free.
_MOVED = F("available") - F("owed")
MOVES: dict[str, tuple[str, Any]] = {
    EntryKind.TOP_UP: ("sold", _MOVED),
    EntryKind.GRANT: ("given", _MOVED),
    EntryKind.TAKE: ("taken", -_MOVED),
    EntryKind.CAPTURE: ("used", -F("held") - _MOVED),
    EntryKind.CLAW_BACK: ("clawed_back", -_MOVED),
}


def count() -> int:
    """What came since the last time, at most so much at once. How many different counts grew."""
    with transaction.atomic():
        marks = MeterMarks.objects.select_for_update().filter(pk=1).first()
        if marks is None:
            _begin()
            return 0
        counts: Counts = Counter()
        settled = read_db_now() - LAG
        marks.orders = _up_to(Generation, "created_at", marks.orders, settled)(counts, _orders)
        marks.entries = _up_to(LedgerEntry, "created_at", marks.entries, settled)(counts, _entries)
        marks.webhook_attempts = _up_to(WebhookAttempt, "started_at", marks.webhook_attempts, settled)(
            counts, _webhooks
        )
        marks.ended_until = _ended(counts, marks.ended_until, settled)
        marks.save()
        for (name, labels), grown in counts.items():
            _add(name, labels, grown)
    return len(counts)


def _begin() -> None:
    """From now on: what was before would take minutes to read, and says nothing of how the shop does now."""
    newest = {
        field: model.objects.aggregate(newest=Coalesce(Max("pk"), 0))["newest"]
        for field, model in (
            ("orders", Generation),
            ("entries", LedgerEntry),
            ("webhook_attempts", WebhookAttempt),
        )
    }
    MeterMarks.objects.bulk_create([MeterMarks(pk=1, ended_until=db_now(), **newest)], ignore_conflicts=True)


def _add(name: str, labels: str, grown: int) -> None:
    row = Meter.objects.filter(name=name, labels=labels)
    if not row.update(value=F("value") + grown):
        # Whoever counts holds the marks, so nobody else makes it meanwhile.
        Meter.objects.create(name=name, labels=labels, value=grown)


def keep(name: str, value: int) -> None:
    """What was measured just now, in place of what it was before."""
    Meter.objects.update_or_create(name=name, labels="{}", defaults={"value": value})


# --- By numbers ---------------------------------------------------------------------------------


def _up_to(
    model: type[Model], time: str, mark: int, settled: datetime.datetime
) -> Callable[[Counts, "Callable[[Counts, QuerySet[Any]], None]"], int]:
    """Counts the rows above `mark` of which all were written before `settled`, and says what the mark then is."""
    rows = model._default_manager.filter(pk__gt=mark).order_by("pk")
    portion = rows.values_list("pk", flat=True)[PORTION - 1 : PORTION].first()
    bounded = rows if portion is None else rows.filter(pk__lte=portion)
    first_fresh = bounded.filter(**{f"{time}__gte": settled}).order_by().aggregate(first=Min("pk"))["first"]
    if first_fresh is not None:
        bounded = bounded.filter(pk__lt=first_fresh)
    last = bounded.order_by().aggregate(last=Max("pk"))["last"]

    def counted(counts: Counts, tally: "Callable[[Counts, QuerySet[Any]], None]") -> int:
        if last is None:
            return mark
        tally(counts, bounded.order_by())
        return int(last)

    return counted


def _orders(counts: Counts, rows: "QuerySet[Generation]") -> None:
    for livemode, model, number in rows.values_list("livemode", "model__slug").annotate(Count("pk")):
        counts[ACCEPTED, _labels(mode=_mode(livemode), model=model)] += number


def _entries(counts: Counts, rows: "QuerySet[LedgerEntry]") -> None:
    for kind, (word, moved) in MOVES.items():
        sums = rows.filter(kind=kind).aggregate(credits=Sum(moved), value=Sum("value_micros"))
        if sums["credits"]:
            counts[CREDITS, _labels(kind=word)] += sums["credits"]
        if kind == EntryKind.CAPTURE and sums["value"]:
            counts[INCOME, _labels()] -= sums["value"]


def _webhooks(counts: Counts, rows: "QuerySet[WebhookAttempt]") -> None:
    good = Q(response_status__gte=200, response_status__lt=300)
    numbers = rows.aggregate(
        ok=Count("pk", filter=good),
        refused=Count("pk", filter=Q(response_status__isnull=False) & ~good),
        unanswered=Count("pk", filter=Q(response_status=None)),
    )
    for outcome, number in numbers.items():
        if number:
            counts[WEBHOOKS, _labels(outcome=outcome)] += number


# --- By time ------------------------------------------------------------------------------------


def _ended(counts: Counts, since: datetime.datetime, settled: datetime.datetime) -> datetime.datetime:
    """Orders that ended after `since`, with the attempts that were made for them; until when they were counted."""
    ended = Generation.objects.filter(finished_at__gt=since, finished_at__lte=settled)
    last = ended.order_by("finished_at").values_list("finished_at", flat=True)[PORTION - 1 : PORTION].first()
    until = last or settled
    if until <= since:
        return min(since, settled + LAG)  # a clock that went ahead is back
    rows = Generation.objects.filter(finished_at__gt=since, finished_at__lte=until)
    for livemode, status, error, number in rows.values_list("livemode", "status", "error_type").annotate(
        Count("pk")
    ):
        counts[ENDED, _labels(mode=_mode(livemode), status=status, error=error)] += number
    _attempts(counts, Attempt.objects.filter(generation__in=rows).exclude(outcome=""))
    return until


def _attempts(counts: Counts, rows: "QuerySet[Attempt]") -> None:
    of_upstream = ("upstream__name", "upstream__shop", "upstream__shop__slug")
    grouped = rows.values_list(*of_upstream, "provider", "outcome").annotate(
        number=Count("pk"), took=Sum(Tenths(F("finished_at"), F("submitted_at"))), cost=Sum("cost_micros")
    )
    for name, shop_id, slug, provider, outcome, number, tenths, cost in grouped.order_by():
        # Without a row of its own it is made in this house.
        upstream = name_of_upstream(name, shop_id, slug) if name else provider
        counts[ATTEMPTS, _labels(upstream=upstream, outcome=outcome)] += number
        if outcome == OutcomeKind.OK:
            counts[ATTEMPT_TENTHS, _labels(upstream=upstream)] += max(0, tenths or 0)
        if cost:
            counts[COST, _labels(upstream=upstream)] += cost


def name_of_upstream(name: str, shop_id: int, slug: str) -> str:
    """As figures call it: two shops may each have one of this name."""
    return name if shop_id == shops.first_id() else f"{slug}/{name}"


def _mode(livemode: bool) -> str:
    return "live" if livemode else "test"


def _labels(**labels: str) -> str:
    return json.dumps(labels, sort_keys=True, ensure_ascii=False)


def read() -> Iterator[tuple[str, dict[str, str], int]]:
    for name, labels, value in Meter.objects.order_by("name", "labels").values_list(
        "name", "labels", "value"
    ):
        yield name, json.loads(labels), value
