"""Charging a card that a customer has saved, and giving money back."""

from dataclasses import dataclass

from billing.models import Payment
from billing.stripe_gateway.facts import PAGE, Facts, of_intent
from billing.stripe_gateway.line import asking, ours


@dataclass(frozen=True, slots=True)
class Card:
    """A saved way to pay."""

    id: str
    brand: str
    last4: str


def saved_card(customer_id: str) -> Card | None:
    """The customer's default, else the newest."""
    with asking() as client:
        customer = client.v1.customers.retrieve(
            customer_id, {"expand": ["invoice_settings.default_payment_method"]}
        )
        if "deleted" in customer:
            return None
        chosen = customer.invoice_settings.default_payment_method if customer.invoice_settings else None
        if chosen is None or isinstance(chosen, str):
            found = client.v1.customers.payment_methods.list(customer_id, {"type": "card", "limit": 1}).data
            chosen = found[0] if found else None
        if chosen is None or chosen.card is None:
            return None
        return Card(chosen.id, chosen.card.brand.title(), chosen.card.last4)


def charge_off_session(payment: Payment, *, customer_id: str, card_id: str, title: str) -> Facts:
    """Charges once, however often it is called for a payment. Raises CardDeclined."""
    with asking() as client:
        intent = client.v1.payment_intents.create(
            {
                "amount": payment.amount_minor,
                "currency": payment.currency,
                "customer": customer_id,
                "payment_method": card_id,
                "off_session": True,
                "confirm": True,
                "description": title,
                "metadata": {"payment": payment.public_id},
                "expand": ["latest_charge"],
            },
            {"idempotency_key": f"automatic:{payment.public_id}"},
        )
        return of_intent(client, intent)


def cancel_intent(intent_id: str) -> None:
    """So that nobody can pay it any more."""
    with asking() as client:
        client.v1.payment_intents.cancel(intent_id, {}, {"idempotency_key": f"cancel:{intent_id}"})


def find_intent(payment: Payment, customer_id: str) -> str | None:
    """The id of the intent that was made for this payment, whose answer we never got."""
    begun = int(payment.created_at.timestamp()) - 3600
    with asking() as client:
        intents = client.v1.payment_intents.list(
            {"customer": customer_id, "created": {"gte": begun}, "limit": PAGE}
        )
        for intent in intents.auto_paging_iter():
            if ours(intent) == payment.public_id:
                return intent.id
    return None


def refund(*, payment_intent_id: str, amount_minor: int, idempotency_key: str) -> str:
    """The refund's id."""
    with asking() as client:
        made = client.v1.refunds.create(
            {"payment_intent": payment_intent_id, "amount": amount_minor},
            {"idempotency_key": idempotency_key},
        )
        return made.id
