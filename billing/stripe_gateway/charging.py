"""Charging a card that a customer has saved, and giving money back."""

from dataclasses import dataclass

from stripe.params import PaymentIntentListParamsCreated

from billing.models import Payment, Refund, StripeAccount
from billing.stripe_gateway.errors import StripeRefused
from billing.stripe_gateway.facts import PAGE
from billing.stripe_gateway.line import asking, ours

CLOCKS_DIFFER_S = 3600
LONGEST_REQUEST_S = 3 * 3600  # an intent is made at most so long after the row of its payment


@dataclass(frozen=True, slots=True)
class Card:
    """A saved way to pay."""

    id: str
    brand: str
    last4: str


def saved_card(account: StripeAccount, customer_id: str) -> Card | None:
    """The customer's default if that is a card, else the newest; None also for a customer whom Stripe has forgotten."""
    try:
        with asking(account) as client:
            customer = client.v1.customers.retrieve(
                customer_id, {"expand": ["invoice_settings.default_payment_method"]}
            )
            if "deleted" in customer:
                return None
            chosen = customer.invoice_settings.default_payment_method if customer.invoice_settings else None
            if chosen is None or isinstance(chosen, str) or chosen.card is None:
                found = client.v1.customers.payment_methods.list(
                    customer_id, {"type": "card", "limit": 1}
                ).data
                chosen = found[0] if found else None
            if chosen is None or chosen.card is None:
                return None
            return Card(chosen.id, chosen.card.brand.title(), chosen.card.last4)
    except StripeRefused as error:
        if error.code != "resource_missing":
            raise
        return None


def charge_off_session(payment: Payment, *, customer_id: str, card_id: str, title: str) -> str:
    """Charges once, however often it is called for a payment; the intent's id. Raises CardDeclined."""
    with asking(payment.account) as client:
        intent = client.v1.payment_intents.create(
            {
                "amount": payment.amount_minor,
                "currency": payment.currency,
                "customer": customer_id,
                "payment_method": card_id,
                # Others might lead a customer elsewhere, and there is none.
                "allowed_payment_method_types": ["card"],
                "off_session": True,
                "confirm": True,
                "description": title,
                "metadata": {"payment": payment.public_id},
            },
            {"idempotency_key": f"automatic:{payment.public_id}"},
        )
        return intent.id


def cancel_intent(account: StripeAccount, intent_id: str) -> None:
    """So that nobody can pay it any more."""
    with asking(account) as client:
        client.v1.payment_intents.cancel(intent_id, {}, {"idempotency_key": f"cancel:{intent_id}"})


def find_intent(payment: Payment) -> str | None:
    """The id of the intent that was made for this payment, whose answer we never got.

    Among all of that time, since the customer may have been replaced meanwhile.
    """
    begun = int(payment.created_at.timestamp())
    created: PaymentIntentListParamsCreated = {
        "gte": begun - CLOCKS_DIFFER_S,
        "lte": begun + LONGEST_REQUEST_S,
    }
    with asking(payment.account) as client:
        intents = client.v1.payment_intents.list({"created": created, "limit": PAGE})
        for intent in intents.auto_paging_iter():
            if ours(intent) == payment.public_id:
                return intent.id
    return None


def refund(row: Refund) -> str:
    """Gives back once, however often it is called for a row; the refund's id."""
    with asking(row.payment.account) as client:
        made = client.v1.refunds.create(
            {
                "payment_intent": row.payment.payment_intent_id or "",
                "amount": row.amount_minor,
                "metadata": {"refund": row.key},
            },
            {"idempotency_key": row.key},
        )
        return made.id


def find_refund(row: Refund) -> str | None:
    """The id of the refund that was made for this row, whose answer we never got."""
    with asking(row.payment.account) as client:
        made = client.v1.refunds.list({"payment_intent": row.payment.payment_intent_id or "", "limit": PAGE})
        for one in made.auto_paging_iter():
            if one.metadata and "refund" in one.metadata and one.metadata["refund"] == row.key:
                return one.id
    return None
