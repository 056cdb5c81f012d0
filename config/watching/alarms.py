"""What is wrong now, as rows and by mail: once when it begins, once when it is over, and not again for a while when it
comes and goes. Found by looking at the database, so it works while workers or the broker do not.
"""

import datetime
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import staff
from accounts.clock import db_now
from accounts.mail import outbox
from accounts.shops import first_id, first_shop
from billing import alarms as of_money
from billing import refunds, stripe_events
from billing.audit import Finding
from generations import backlog, circuit
from generations.models import Alarm, Generation, UpstreamState
from webhooks.models import WebhookDelivery

logger = logging.getLogger(__name__)

# Past its deadline an order ends within a sweep.
HOLD_S = 120
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Trouble:
    """`condition` is the same for as long as the same thing is wrong. `shop_id` None: of the whole installation."""

    condition: str
    subject: str
    advice: str
    shop_id: int | None = None


def _ago(seconds: float) -> datetime.timedelta:
    return datetime.timedelta(seconds=seconds)


# --- What may be wrong --------------------------------------------------------------------------


def _queue() -> Iterator[Trouble]:
    oldest_s = backlog.oldest_s()
    if oldest_s > settings.ALARM_QUEUE_S:
        yield Trouble(
            "queue",
            _("Orders wait too long: the oldest for %(seconds)d seconds") % {"seconds": oldest_s},
            _(
                "Are workers and beat alive, is the broker? Is an upstream enabled, its circuit closed, and has it"
                " places? `manage.py doctor` looks at all of that. Orders that pass their deadline fail and cost"
                " nothing."
            ),
        )


def _circuits() -> Iterator[Trouble]:
    """Not those that an upstream's refusal of us opened: of these operators hear at once (circuit.py)."""
    since = db_now() - _ago(settings.ALARM_CIRCUIT_S)
    failing = UpstreamState.objects.filter(opened_at__lte=since, upstream__enabled=True)
    for state in failing.exclude(reason__in=circuit.REFUSED).select_related("upstream"):
        yield Trouble(
            f"circuit:{state.pk}",
            _("%(upstream)s gets no orders, since they keep failing there") % {"upstream": state.upstream},
            _(
                "It said: %(detail)s\n\nIt is tried again by itself, ever more seldom. Look at its status page and at"
                " its attempts in the admin; if it stays away, enable another upstream."
            )
            % {"detail": state.detail or _("nothing more")},
            state.upstream.shop_id,
        )


def _holds() -> Iterator[Trouble]:
    late = Generation.objects.unended().filter(livemode=True, deadline_at__lte=db_now() - _ago(HOLD_S))
    number = late.count()
    if number:
        words = ngettext(
            "Credits are held for %(number)d order that is past its deadline",
            "Credits are held for %(number)d orders that are past their deadline",
            number,
        )
        named = ", ".join(late.order_by("deadline_at").values_list("task_id", flat=True)[:MOST_NAMED])
        yield Trouble(
            "holds",
            words % {"number": number},
            _("Nobody sweeps: is beat alive? The oldest: %(tasks)s. Run `manage.py check_ledger`.")
            % {"tasks": named},
        )


def _stripe() -> Iterator[Trouble]:
    stuck = stripe_events.waiting().filter(received_at__lte=db_now() - _ago(settings.ALARM_STRIPE_S))
    for shop_id in stuck.order_by().values_list("shop", flat=True).distinct():
        oldest = stuck.filter(shop=shop_id).order_by("received_at").first()
        if oldest is None:
            continue
        yield Trouble(
            "stripe" if shop_id == first_id() else f"stripe:{shop_id}",
            _("Events of Stripe are not worked through"),
            _(
                "The oldest is %(event)s. It says: %(error)s\n\nAre workers alive? Look at the events in the admin, and"
                " at %(key)s. Nothing is lost meanwhile, but customers wait for their credits."
            )
            % {
                "event": oldest.event_id,
                "error": oldest.error or _("nothing"),
                "key": of_money.place_of_key(oldest.shop_id),
            },
            oldest.shop_id,
        )


def _refunds() -> Iterator[Trouble]:
    late = refunds.unanswered().select_related("payment")
    for shop_id in late.order_by().values_list("payment__shop", flat=True).distinct():
        oldest = late.filter(payment__shop=shop_id).order_by("created_at").first()
        if oldest is None:
            continue
        yield Trouble(
            f"refunds:{shop_id}",
            _("Stripe has not answered for a refund that was promised"),
            _(
                "It is %(amount)s of %(payment)s. It was asked for so long ago that Stripe would give it back twice if"
                " it were simply asked again; whether it was done has to be looked up first, and that is not possible."
                "\n\nLook at %(key)s: it needs the right to read and write Charges and Refunds, of the account that"
                " payments are made on. Then this ends by itself. Where it cannot have that, see in the account at"
                " Stripe whether the money was given back; if not, give it back in another way. Then choose “End a"
                " refund by hand” on the payment's page, and say there what you found."
            )
            % {
                "amount": oldest,
                "payment": oldest.payment.public_id,
                "key": of_money.place_of_key(shop_id),
            },
            shop_id,
        )


def _webhooks() -> Iterator[Trouble]:
    due = Q(next_attempt_at__lte=db_now() - _ago(settings.ALARM_WEBHOOKS_S), lease_until=None)
    if WebhookDelivery.objects.unfinished().filter(due).exists():
        yield Trouble(
            "webhooks",
            _("News for customers' servers is not sent"),
            _("Does a worker hear the queue `webhooks`? Deliveries that are overdue stand in the admin."),
        )


# By what their conditions begin with.
WATCHES: dict[str, Callable[[], Iterator[Trouble]]] = {
    "queue": _queue,
    "circuit": _circuits,
    "holds": _holds,
    "stripe": _stripe,
    "refunds": _refunds,
    "webhooks": _webhooks,
}
BOOKS = "books"


def books_trouble(findings: list[Finding]) -> Iterator[Trouble]:
    if findings:
        words = ngettext(
            "The books do not agree: %(number)d row",
            "The books do not agree: %(number)d rows",
            len(findings),
        )
        yield Trouble(
            BOOKS,
            words % {"number": len(findings)},
            "\n".join(str(finding) for finding in findings[:MOST_NAMED])
            + "\n\n"
            + _(
                "Run `manage.py check_ledger --full`. If they stay, keep a backup of now, and look up each reference in"
                " the admin; never mend rows by SQL."
            ),
        )


# --- What becomes of it -------------------------------------------------------------------------


def look() -> None:
    """At all of WATCHES. One that raises keeps nobody from looking at the others."""
    for name, find in WATCHES.items():
        try:
            settle(name, find())
        except Exception:
            logger.exception("It could not be seen whether %s is well", name)


def settle(name: str, found: Iterable[Trouble]) -> None:
    """Makes the open alarms of this name those that were `found`, by compare-and-set: any number may look at once."""
    troubles = {trouble.condition: trouble for trouble in found}
    for alarm in _open(name):
        trouble = troubles.pop(alarm.condition, None)
        if trouble is None:
            _end(alarm)
        elif alarm.told_at is None:
            _tell(alarm)
    for trouble in troubles.values():
        _begin(trouble)


def _open(name: str) -> "QuerySet[Alarm]":
    of_it = Q(condition=name) | Q(condition__startswith=f"{name}:")
    return Alarm.objects.filter(of_it, ended_at=None).select_related("shop")


def _begin(trouble: Trouble) -> None:
    try:
        with transaction.atomic():
            alarm = Alarm.objects.create(
                shop_id=trouble.shop_id,
                condition=trouble.condition,
                subject=trouble.subject[:200],
                advice=trouble.advice,
            )
    except IntegrityError:  # somebody else saw it as well
        return
    logger.warning("Alarm: %s", alarm.subject)
    _tell(alarm)


def _tell(alarm: Alarm) -> None:
    """Unless operators have just been told of the same; it is tried again as long as it stays."""
    lately = db_now() - _ago(settings.ALARM_AGAIN_S)
    if Alarm.objects.filter(condition=alarm.condition, told_at__gt=lately).exists():
        return
    with transaction.atomic():
        if Alarm.objects.filter(pk=alarm.pk, told_at=None, ended_at=None).update(told_at=db_now()):
            _mail(alarm, alarm.subject, alarm.advice)


def _end(alarm: Alarm) -> None:
    with transaction.atomic():
        if not Alarm.objects.filter(pk=alarm.pk, ended_at=None).update(ended_at=db_now()):
            return
        alarm.refresh_from_db()
        if alarm.told_at is not None and alarm.ended_at is not None:
            minutes = round((alarm.ended_at - alarm.began_at).total_seconds() / 60)
            words = ngettext(
                "It lasted for about %(minutes)d minute.",
                "It lasted for about %(minutes)d minutes.",
                minutes,
            )
            _mail(alarm, _("Over: %(subject)s") % {"subject": alarm.subject}, words % {"minutes": minutes})
    logger.warning("Alarm over: %s", alarm.subject)


def _mail(alarm: Alarm, subject: str, body: str) -> None:
    """To those whose shop it is, or to the platform's operators."""
    told = staff.mail_of(alarm.shop_id)
    if not told:
        logger.error("%s. %s", subject, body)
    shop = alarm.shop or first_shop()
    for to in told:
        outbox.queue(shop.pk, to, f"[{shop.name}] {subject}", f"{body}\n", template="alarm")
