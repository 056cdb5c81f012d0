"""Pages of Stripe that customers are sent to."""

from dataclasses import dataclass
from typing import Any, cast

from stripe.params import CustomerUpdateParams
from stripe.params.checkout import SessionCreateParams

from billing.models import Payment, StripeAccount
from billing.stripe_gateway.errors import StripeRefused
from billing.stripe_gateway.line import asking


@dataclass(frozen=True, slots=True)
class Opened:
    """A page of Stripe that somebody is to be sent to."""

    id: str
    url: str


def create_customer(account: StripeAccount, *, reference: str, idempotency_key: str) -> str:
    """The id of a customer; `reference` is the organization's, and all that never changes.

    Under one key Stripe takes one request only, also of two people who begin at the same moment.
    """
    with asking(account) as client:
        customer = client.v1.customers.create(
            {"metadata": {"organization": reference}}, {"idempotency_key": idempotency_key}
        )
        return customer.id


def name_customer(account: StripeAccount, customer_id: str, *, name: str, email: str) -> None:
    """For invoices, and so that Stripe's page need not ask."""
    params: CustomerUpdateParams = {"name": name}
    if email:
        params["email"] = email
    with asking(account) as client:
        client.v1.customers.update(customer_id, params, {"idempotency_key": f"name:{customer_id}"})


@dataclass(frozen=True, slots=True)
class Sale:
    """How a checkout is to be, in the name of `shop_name`; addresses are absolute, `success_url` may hold
    `{CHECKOUT_SESSION_ID}`.
    """

    payment: Payment
    shop_name: str
    title: str
    success_url: str
    cancel_url: str
    locale: str
    asks_for_terms: bool
    asks_for_tax: bool
    takes_codes: bool


def create_checkout(sale: Sale, customer_id: str) -> Opened:
    """The same session however often it is called for a payment and a customer."""
    payment = sale.payment
    ours: dict[str, str] = {"payment": payment.public_id}
    params: SessionCreateParams = {
        "mode": "payment",
        "customer": customer_id,
        "client_reference_id": payment.public_id,
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": payment.currency,
                    "unit_amount": payment.amount_minor,
                    "product_data": {"name": sale.title},
                },
            }
        ],
        "metadata": ours,
        "payment_intent_data": {"metadata": ours, "description": sale.title},
        "invoice_creation": {
            "enabled": True,
            "invoice_data": {"metadata": ours, "description": sale.title},
        },
        # The account's own name may be that of a company behind the shop.
        "branding_settings": {"display_name": sale.shop_name},
        # In another currency than ours the amounts could not be compared.
        "adaptive_pricing": {"enabled": False},
        "allow_promotion_codes": sale.takes_codes,
        "success_url": sale.success_url,
        "cancel_url": sale.cancel_url,
        "locale": cast(Any, sale.locale),
    }
    if sale.asks_for_tax:
        params["automatic_tax"] = {"enabled": True}
        params["customer_update"] = {"address": "auto", "name": "auto"}
        params["tax_id_collection"] = {"enabled": True}
        params["billing_address_collection"] = "required"
    if sale.asks_for_terms:
        params["consent_collection"] = {"terms_of_service": "required"}
    with asking(payment.account) as client:
        session = client.v1.checkout.sessions.create(
            # What was refused for one customer is another request with the next.
            params,
            {"idempotency_key": f"checkout:{payment.public_id}:{customer_id}"},
        )
        return Opened(session.id, session.url or "")


def create_setup(
    account: StripeAccount,
    *,
    shop_name: str,
    customer_id: str,
    wish: str,
    success_url: str,
    cancel_url: str,
    idempotency_key: str,
) -> Opened:
    """A page that saves a card and charges nothing. `wish`: what it is saved for."""
    with asking(account) as client:
        session = client.v1.checkout.sessions.create(
            {
                "mode": "setup",
                "branding_settings": {"display_name": shop_name},
                "customer": customer_id,
                "metadata": {"wish": wish},
                "allowed_payment_method_types": ["card"],  # what an automatic top-up can charge
                "success_url": success_url,
                "cancel_url": cancel_url,
            },
            {"idempotency_key": idempotency_key},
        )
        return Opened(session.id, session.url or "")


@dataclass(frozen=True, slots=True)
class Setup:
    """Such a page, as Stripe has it now. `wish` "": it was not opened by us."""

    customer_id: str
    wish: str
    is_complete: bool


def find_setup(account: StripeAccount, session_id: str) -> Setup | None:
    """None for what is no such page."""
    try:
        with asking(account) as client:
            session = client.v1.checkout.sessions.retrieve(session_id)
    except StripeRefused as error:
        if error.code != "resource_missing":
            raise
        return None
    if session.mode != "setup":
        return None
    customer, metadata = session.customer, session.metadata
    return Setup(
        customer_id=customer if isinstance(customer, str) else "",
        wish=metadata["wish"] if metadata and "wish" in metadata else "",
        is_complete=session.status == "complete",
    )


def open_portal(account: StripeAccount, customer_id: str, return_url: str, *, idempotency_key: str) -> str:
    """Where a customer sees their cards, billing address and invoices."""
    with asking(account) as client:
        session = client.v1.billing_portal.sessions.create(
            {"customer": customer_id, "return_url": return_url}, {"idempotency_key": idempotency_key}
        )
        return session.url


def checkout_url(account: StripeAccount, session_id: str) -> str:
    """Of a session that is still open; "" otherwise."""
    with asking(account) as client:
        return client.v1.checkout.sessions.retrieve(session_id).url or ""


def expire_checkout(account: StripeAccount, session_id: str) -> None:
    """So that nobody can pay it any more. Refused unless it is open."""
    with asking(account) as client:
        client.v1.checkout.sessions.expire(session_id, {}, {"idempotency_key": f"expire:{session_id}"})


def receipt_url(payment: Payment) -> str:
    """The invoice as a PDF, else Stripe's receipt; "" while there is neither."""
    with asking(payment.account) as client:
        if payment.session_id:
            session = client.v1.checkout.sessions.retrieve(payment.session_id, {"expand": ["invoice"]})
            invoice = session.invoice
            if invoice is not None and not isinstance(invoice, str) and invoice.invoice_pdf:
                return invoice.invoice_pdf
        if not payment.payment_intent_id:
            return ""
        intent = client.v1.payment_intents.retrieve(payment.payment_intent_id, {"expand": ["latest_charge"]})
        charge = intent.latest_charge
        return "" if charge is None or isinstance(charge, str) else charge.receipt_url or ""
