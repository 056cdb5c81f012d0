"""What `/metrics` says of the shop: gauges as the database has them now, each from few rows by index, and the counts of
meters.py. All names begin here; deploy/ and docs/operations.md are compared with FIGURES.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import Error as DatabaseError
from django.db.models import Count, Min, Q, Sum
from psycopg_pool import PoolTimeout

from accounts.clock import db_now, read_db_now
from accounts.glances import Glances
from accounts.models import OperatorAlert, QueuedMail
from billing import stripe_events
from config.watching import meters
from generations.models import Alarm, Generation, MeterMarks, Status, UpstreamState
from webhooks.models import WebhookDelivery

Labels = dict[str, str]
Sample = tuple[str, Labels, float]


@dataclass(frozen=True, slots=True)
class Figure:
    """`counts`: it only grows; Prometheus then reads its name with `_total`."""

    help: str
    labels: tuple[str, ...] = ()
    counts: bool = False


FIGURES: dict[str, Figure] = {
    "tintype_database_up": Figure("1 while the database answers; without it only requests are known."),
    "tintype_orders_open": Figure("Orders that have not ended.", ("status",)),
    "tintype_queue_oldest_seconds": Figure("How long the oldest queued order has waited."),
    "tintype_holds_open": Figure("Orders whose price is held."),
    "tintype_held_credits": Figure("Credits that are held for them."),
    "tintype_hold_oldest_seconds": Figure("How long the oldest of these is held."),
    "tintype_upstream_in_flight": Figure("Orders that an upstream has.", ("upstream",)),
    "tintype_upstream_places": Figure(
        "How many it may have at once, 0 while it is switched off.", ("upstream",)
    ),
    "tintype_upstream_circuit_open": Figure("1 while it gets no orders.", ("upstream",)),
    "tintype_webhooks_pending": Figure("Deliveries that have neither arrived nor been given up."),
    "tintype_webhooks_overdue_seconds": Figure("For how long the oldest of them has been due."),
    "tintype_stripe_events_waiting": Figure("Events of Stripe that were not worked through."),
    "tintype_stripe_oldest_seconds": Figure("How long ago the oldest of these came."),
    "tintype_mail_waiting": Figure("Mail that was not sent, to operators and to people.", ("to",)),
    "tintype_alarms_open": Figure("What operators were or will be told of.", ("condition",)),
    "tintype_counted_timestamp_seconds": Figure("Until when the counts below are complete."),
    meters.BOOKS_CHECKED: Figure("When the books were last checked."),
    meters.BOOKS_FINDINGS: Figure("How many rows did not agree then."),
    meters.ACCEPTED: Figure("Orders that were accepted.", ("mode", "model"), counts=True),
    meters.ENDED: Figure("Orders that ended, and why.", ("mode", "status", "error"), counts=True),
    meters.ATTEMPTS: Figure(
        "Attempts of orders that ended, by what came of them.", ("upstream", "outcome"), counts=True
    ),
    meters.ATTEMPT_TENTHS: Figure(
        "How long those that brought an image took, in tenths of a second.", ("upstream",), counts=True
    ),
    meters.COST: Figure("What attempts cost, in millionths of the currency.", ("upstream",), counts=True),
    meters.CREDITS: Figure("Credits, by what became of them.", ("kind",), counts=True),
    meters.INCOME: Figure("What used credits were paid with, in millionths of the currency.", counts=True),
    meters.WEBHOOKS: Figure("Tries to tell customers' servers.", ("outcome",), counts=True),
}


def now() -> list[Sample]:
    """At most once a second, however often it is asked."""
    return _seen(None)


def _look(_: None) -> list[Sample]:
    try:
        found = [sample for part in (_orders, _upstreams, _news, _alarms, _meters) for sample in part()]
    except (DatabaseError, PoolTimeout):
        return [("tintype_database_up", {}, 0)]
    return [("tintype_database_up", {}, 1), *found]


_seen: Glances[None, list[Sample]] = Glances(_look)
forget = _seen.forget


def _orders() -> Iterator[Sample]:
    rows = Generation.objects.unended()
    found = rows.aggregate(
        queued=Count("pk", filter=Q(status=Status.QUEUED)),
        running=Count("pk", filter=Q(status=Status.RUNNING)),
        waits_since=Min("created_at", filter=Q(status=Status.QUEUED)),
        holds=Count("pk", filter=Q(livemode=True)),
        held=Sum("price_credits", filter=Q(livemode=True)),
        held_since=Min("created_at", filter=Q(livemode=True)),
    )
    for status in (Status.QUEUED, Status.RUNNING):
        yield "tintype_orders_open", {"status": status.value}, found[status.value]
    yield "tintype_queue_oldest_seconds", {}, _age_s(found["waits_since"])
    yield "tintype_holds_open", {}, found["holds"]
    yield "tintype_held_credits", {}, found["held"] or 0
    yield "tintype_hold_oldest_seconds", {}, _age_s(found["held_since"])


def _upstreams() -> Iterator[Sample]:
    for state in UpstreamState.objects.select_related("upstream__shop").order_by("pk"):
        upstream = state.upstream
        labels = {"upstream": meters.name_of_upstream(upstream.name, upstream.shop_id, upstream.shop.slug)}
        yield "tintype_upstream_in_flight", labels, state.in_flight
        yield "tintype_upstream_places", labels, upstream.concurrency if upstream.enabled else 0
        yield "tintype_upstream_circuit_open", labels, state.opened_at is not None


def _news() -> Iterator[Sample]:
    due = Q(next_attempt_at__lte=db_now(), lease_until=None)
    pending = WebhookDelivery.objects.unfinished().aggregate(
        count=Count("pk"), since=Min("next_attempt_at", filter=due)
    )
    yield "tintype_webhooks_pending", {}, pending["count"]
    yield "tintype_webhooks_overdue_seconds", {}, _age_s(pending["since"])
    events = stripe_events.waiting().aggregate(count=Count("pk"), since=Min("received_at"))
    yield "tintype_stripe_events_waiting", {}, events["count"]
    yield "tintype_stripe_oldest_seconds", {}, _age_s(events["since"])
    for to, kind in (("operators", OperatorAlert), ("people", QueuedMail)):
        unsent = kind._default_manager.filter(sent_at=None, due_at__isnull=False)
        yield "tintype_mail_waiting", {"to": to}, unsent.count()


def _alarms() -> Iterator[Sample]:
    for condition in Alarm.objects.filter(ended_at=None).values_list("condition", flat=True):
        yield "tintype_alarms_open", {"condition": condition}, 1


def _meters() -> Iterator[Sample]:
    marks = MeterMarks.objects.filter(pk=1).first()
    if marks is not None:
        yield "tintype_counted_timestamp_seconds", {}, marks.ended_until.timestamp()
    yield from meters.read()


def _age_s(since: Any) -> float:
    return 0.0 if since is None else max(0.0, (read_db_now() - since).total_seconds())
