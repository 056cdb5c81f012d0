"""The inbox of what Stripe says: which payment has to be looked at. Nothing else of an event is believed."""

import datetime
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from accounts.clock import db_now
from accounts.models import Shop
from accounts.retries import claim
from billing import alarms, checkout, payments, stripe_gateway
from billing.models import Payment, StripeAccount, StripeEvent
from billing.rounds import Round
from billing.stripe_gateway import credentials
from billing.stripe_gateway.errors import StripeAway, StripeRefused

logger = logging.getLogger(__name__)

HANDLED = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "radar.early_fraud_warning.created",
)
FRAUD_WARNING = "radar.early_fraud_warning.created"
AT_ONCE = 50
REFUSALS_TOLERATED = 3  # in a row, before operators are told
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30, 3600
WHOLE_FOR = datetime.timedelta(days=90)
MAX_ID = 255


class Malformed(Exception):
    """Not an event as Stripe sends them."""


@dataclass(frozen=True, slots=True)
class Told:
    """What we need of an event."""

    id: str
    type: str
    livemode: bool
    created: datetime.datetime
    payload: dict[str, Any]


def read(body: Mapping[str, Any] | Any) -> Told:
    """Raises Malformed."""
    try:
        told = Told(
            body["id"],
            body["type"],
            body["livemode"],
            datetime.datetime.fromtimestamp(int(body["created"]), datetime.UTC),
            {"data": {"object": body["data"]["object"]}, "api_version": body.get("api_version")},
        )
    except (KeyError, TypeError, ValueError, OverflowError, OSError, AttributeError):
        raise Malformed from None
    texts = (told.id, told.type)
    if body.get("object") != "event" or not all(isinstance(text, str) and text for text in texts):
        raise Malformed
    if len(told.id) > MAX_ID or len(told.type) > 100 or type(told.livemode) is not bool:
        raise Malformed
    if not isinstance(told.payload["data"]["object"], dict):
        raise Malformed
    if not (told.id.isascii() and told.id.isprintable() and told.type.isascii() and told.type.isprintable()):
        raise Malformed
    try:
        return Told(told.id, told.type, told.livemode, told.created, _storable(told.payload))
    except RecursionError:  # as deep as json could still read
        raise Malformed from None


def store(account: StripeAccount, told: Told) -> bool:
    """False for one that is here already, is of the other mode, or says nothing about payments."""
    if told.livemode != account.livemode:
        logger.warning("%s (%s) is of the other mode, live or test; ignored", told.id, told.type)
        return False
    if told.type not in HANDLED:
        logger.info("%s (%s) is of no interest here", told.id, told.type)
        return False
    row = StripeEvent(
        shop_id=account.shop_id,
        account=account,
        event_id=told.id,
        type=told.type,
        livemode=told.livemode,
        created=told.created,
        payload=told.payload,
    )
    before = StripeEvent.objects.filter(account=account, event_id=told.id).exists()
    StripeEvent.objects.bulk_create([row], ignore_conflicts=True)
    return not before


def waiting() -> QuerySet[StripeEvent]:
    """Those that are to be looked at yet. Nobody will look at those of a trial, or of a shop that is closed."""
    unprocessed = StripeEvent.objects.filter(processed_at=None, account__shop__closed_at=None)
    return unprocessed.exclude(credentials.of_trials("account"))


# --- What an event is about ---------------------------------------------------------------------


def process_due(sweep: Round | None = None) -> int:
    """How many were processed. Any number at once take different ones."""
    sweep = Round() if sweep is None else sweep
    # What those of other accounts are about is not to be seen with our keys.
    found = StripeEvent.objects.filter(
        processed_at=None, due_at__lte=db_now(), account__in=credentials.usable().values("pk")
    )
    due_now = found.select_related("account").order_by("due_at", "pk")
    return sum(process(event, sweep) for event in sweep.rows(due_now, AT_ONCE) if _claim(event))


def _claim(event: StripeEvent) -> bool:
    unprocessed = StripeEvent.objects.filter(processed_at=None)
    return claim(unprocessed, event, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S, tries="attempts")


def process(event: StripeEvent, sweep: Round | None = None) -> bool:
    """Marks the payment as to be looked at, and looks. False: Stripe is away or refuses, it stays in the inbox, and
    `sweep` hears of it.
    """
    try:
        payment = find_payment(event)
        if payment is None and event.type == "checkout.session.completed":
            _hear_of_card(event)
    except (StripeAway, StripeRefused) as error:
        logger.warning("%s could not be processed: %s", event.event_id, error)
        StripeEvent.objects.filter(pk=event.pk).update(error=str(error)[:300])
        if isinstance(error, StripeRefused):
            _count_refusal(event, error)
        if sweep is not None:
            sweep.cannot_ask(event.shop_id, error)
        return False
    with transaction.atomic():
        if event.type == FRAUD_WARNING:
            hold_shop(event.shop_id)
        mine = StripeEvent.objects.filter(pk=event.pk, processed_at=None)
        if not mine.update(processed_at=db_now(), payment=payment, error=""):
            return True
        if payment is None:
            logger.info("%s (%s) is not about a payment of ours", event.event_id, event.type)
            return True
        payments.want_sync(payment.pk)
        if event.type == FRAUD_WARNING:
            _warn(payment)
    payments.try_sync(payment, sweep)
    return True


def hold_shop(shop_id: int) -> None:
    """Before an event or an account is changed in a transaction that also raises an alert, which is of the shop: who
    closes a shop holds it first as well, then these (shops.py).
    """
    list(Shop.objects.select_for_update(no_key=True).filter(pk=shop_id))


@transaction.atomic
def _count_refusal(event: StripeEvent, error: StripeRefused) -> None:
    """Told of the first that stays behind: others do so for the same reason."""
    hold_shop(event.shop_id)
    # Of two at once one is the first.
    StripeAccount.objects.select_for_update(no_key=True).get(pk=event.account_id)
    waiting = StripeEvent.objects.filter(account_id=event.account_id, processed_at=None)
    mine = waiting.filter(pk=event.pk, refusals__lt=REFUSALS_TOLERATED)
    if mine.update(refusals=F("refusals") + 1) and not mine.exists():
        others = waiting.exclude(pk=event.pk).filter(refusals=REFUSALS_TOLERATED)
        if not others.exists():
            alarms.event_is_refused(event, error)


def find_payment(event: StripeEvent) -> Payment | None:
    """By what we wrote into Stripe's objects, else by asking Stripe. Raises StripeAway, StripeRefused."""
    thing = event.payload.get("data", {}).get("object", {})
    ours = Payment.objects.filter(account_id=event.account_id)
    metadata = thing.get("metadata")
    reference = _text(metadata.get("payment")) if isinstance(metadata, dict) else ""
    if thing.get("object") == "checkout.session":
        session_id = _text(thing.get("id"))
        if reference and not ours.filter(session_id=session_id).exists():
            unheard = ours.filter(public_id=reference, session_id=None)
            reference = _named_at_stripe(event, session_id) if session_id and unheard.exists() else ""
        return by_session(ours, session_id, reference)
    is_intent = thing.get("object") == "payment_intent"
    intent_id = _text(thing.get("id") if is_intent else thing.get("payment_intent"))
    if not intent_id:
        return None
    known = ours.filter(payment_intent_id=intent_id).first()
    if known is not None:
        return known
    named = ours.filter(public_id=reference).first() if reference else None
    if named is not None and (named.session_id or named.payment_intent_id):
        return named
    if named is not None and _named_at_stripe(event, intent_id) == named.public_id:
        # Charged, but we never heard the answer that bore its id.
        ours.filter(pk=named.pk, payment_intent_id=None).update(payment_intent_id=intent_id)
        return named
    # A refund may be heard of before the purchase itself.
    session = stripe_gateway.events.session_of_intent(event.account, intent_id)
    return by_session(ours, *session) if session else None


def _named_at_stripe(event: StripeEvent, thing_id: str) -> str:
    """The payment that a session or an intent is of, by what Stripe says to this shop's key. Events are not believed in
    that: a shop's staff know what signs them, and could take away the id of another shop's purchase. Raises StripeAway,
    StripeRefused.
    """
    if event.payload["data"]["object"].get("object") == "checkout.session":
        return stripe_gateway.facts.facts_of_session(event.account, thing_id).reference
    return stripe_gateway.facts.facts_of_intent(event.account, thing_id).reference


def by_session(ours: Any, session_id: str, reference: str) -> Payment | None:
    found: Payment | None = ours.filter(session_id=session_id).first() if session_id else None
    if found is None and reference:
        # Made at Stripe, but we died before we could write its id down.
        ours.filter(public_id=reference, session_id=None).update(session_id=session_id)
        found = ours.filter(public_id=reference, session_id=session_id).first()
    return found


def _hear_of_card(event: StripeEvent) -> None:
    thing = event.payload.get("data", {}).get("object", {})
    if thing.get("mode") == "setup":
        checkout.hear_of_card(event.account, _text(thing.get("customer")), _text(thing.get("id")))


def _warn(payment: Payment) -> None:
    Payment.objects.filter(pk=payment.pk, fraud_warned_at=None).update(fraud_warned_at=db_now())
    alarms.may_be_fraud(payment)


# --- Keeping ------------------------------------------------------------------------------------


def cut_old() -> int:
    """Of what is older than 90 days ids and amounts are kept, no names and addresses."""
    return _cut(StripeEvent.objects.filter(received_at__lt=db_now() - WHOLE_FOR))


def cut_of(organization_id: int) -> int:
    """Some of an organization's, at once; 0 when none is left."""
    return _cut(StripeEvent.objects.filter(payment__organization=organization_id, processed_at__isnull=False))


def _cut(events: QuerySet[StripeEvent]) -> int:
    done = 0
    for event in events.filter(cut_at=None).order_by("pk")[:500]:
        thing = event.payload.get("data", {}).get("object", {})
        short = {name: value for name, value in thing.items() if name in KEPT and not isinstance(value, dict)}
        event.payload = {"data": {"object": short}}
        StripeEvent.objects.filter(pk=event.pk, cut_at=None).update(payload=event.payload, cut_at=db_now())
        done += 1
    return done


KEPT = {
    "id",
    "object",
    "amount",
    "amount_refunded",
    "amount_subtotal",
    "amount_total",
    "charge",
    "client_reference_id",
    "created",
    "currency",
    "payment_intent",
    "payment_status",
    "reason",
    "status",
}


def _text(value: Any) -> str:
    """An id; an expanded object's own."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) and len(value) <= MAX_ID else ""


def _storable(value: Any) -> Any:
    """Without what PostgreSQL's JSON cannot hold: NUL and half characters."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value
