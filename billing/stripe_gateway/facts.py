"""What a purchase came to, as Stripe has it now."""

from dataclasses import dataclass, replace
from typing import Literal, cast

import stripe

from billing.models import StripeAccount
from billing.stripe_gateway.line import asking, ours

PAGE = 100
# Funds that were taken from us for these are gone, or may come back; `warning_…` takes none, `won` gave them back.
_NOT_TAKEN = ("won", "warning_needs_response", "warning_under_review", "warning_closed")
_NOT_REFUNDED = ("failed", "canceled")


@dataclass(frozen=True, slots=True)
class Facts:
    """What Stripe says of one purchase. Amounts in the currency's smallest unit; `amount_minor` before discount and
    tax; `reference` is our public id as it was handed over.
    """

    status: Literal["open", "processing", "paid", "failed", "expired"]
    reference: str
    livemode: bool
    currency: str
    amount_minor: int
    charged_minor: int = 0
    tax_minor: int = 0
    discount_minor: int = 0
    refunded_minor: int = 0
    disputed_minor: int = 0
    session_id: str | None = None
    payment_intent_id: str | None = None
    card: str = ""
    failure: str = ""  # of a charge without the customer, as Stripe names it
    failed_refunds: tuple[tuple[str, str], ...] = ()  # id, and why the money came back to us


def facts_of_session(account: StripeAccount, session_id: str) -> Facts:
    with asking(account) as client:
        session = client.v1.checkout.sessions.retrieve(
            session_id, {"expand": ["payment_intent.latest_charge"]}
        )
        return _of_session(client, session)


def facts_of_intent(account: StripeAccount, intent_id: str) -> Facts:
    with asking(account) as client:
        intent = client.v1.payment_intents.retrieve(intent_id, {"expand": ["latest_charge"]})
        return _of_intent(client, intent)


def _of_session(client: stripe.StripeClient, session: stripe.checkout.Session) -> Facts:
    intent = session.payment_intent
    details = session.total_details
    facts = Facts(
        status=_status_of_session(session),
        reference=ours(session),
        livemode=session.livemode,
        currency=(session.currency or "").lower(),
        amount_minor=session.amount_subtotal or 0,
        charged_minor=session.amount_total or 0,
        tax_minor=details.amount_tax if details else 0,
        discount_minor=details.amount_discount if details else 0,
        session_id=session.id,
    )
    if intent is None or isinstance(intent, str):
        return facts
    return _with_intent(client, facts, intent)


def _status_of_session(
    session: stripe.checkout.Session,
) -> Literal["open", "processing", "paid", "failed", "expired"]:
    if session.status == "expired":
        return "expired"
    if session.status != "complete":
        return "open"
    if session.payment_status in ("paid", "no_payment_required"):
        return "paid"
    intent = cast(stripe.PaymentIntent | None, session.payment_intent)
    has_failed = intent is not None and intent.status in ("requires_payment_method", "canceled")
    return "failed" if has_failed else "processing"


def _of_intent(client: stripe.StripeClient, intent: stripe.PaymentIntent) -> Facts:
    words: dict[str, Literal["paid", "processing", "open", "failed"]] = {
        "succeeded": "paid",
        "processing": "processing",
        "requires_action": "open",
        "requires_confirmation": "open",
        "requires_capture": "open",
    }
    facts = Facts(
        status=words.get(intent.status, "failed"),
        reference=ours(intent),
        livemode=intent.livemode,
        currency=intent.currency.lower(),
        amount_minor=intent.amount,
        charged_minor=intent.amount_received,
        failure=(intent.last_payment_error.code or "") if intent.last_payment_error else "",
    )
    return _with_intent(client, facts, intent)


def _with_intent(client: stripe.StripeClient, facts: Facts, intent: stripe.PaymentIntent) -> Facts:
    charge = intent.latest_charge
    found = client.v1.refunds.list({"payment_intent": intent.id, "limit": PAGE})
    refunds = list(found.auto_paging_iter())
    disputes = client.v1.disputes.list({"payment_intent": intent.id, "limit": PAGE})
    return replace(
        facts,
        payment_intent_id=intent.id,
        refunded_minor=sum(one.amount for one in refunds if one.status not in _NOT_REFUNDED),
        disputed_minor=sum(one.amount for one in disputes.auto_paging_iter() if _has_taken(one)),
        card=_card_of(charge) if charge is not None and not isinstance(charge, str) else "",
        failed_refunds=tuple((one.id, _why(one)) for one in refunds if one.status in _NOT_REFUNDED),
    )


def _why(refund: stripe.Refund) -> str:
    reason: str | None = getattr(refund, "failure_reason", None)  # absent from one that was canceled
    return (reason or refund.status or "").replace("_", " ")


def _has_taken(dispute: stripe.Dispute) -> bool:
    if dispute.status == "prevented":  # by giving the money back at once; then there is a movement of it
        return any(movement.amount < 0 for movement in dispute.balance_transactions)
    return dispute.status not in _NOT_TAKEN


def _card_of(charge: stripe.Charge) -> str:
    details = charge.payment_method_details
    if details is None:
        return ""
    card = getattr(details, "card", None)
    if card is not None:
        return f"{(card.brand or 'card').title()} …{card.last4}"
    return details.type.replace("_", " ")
