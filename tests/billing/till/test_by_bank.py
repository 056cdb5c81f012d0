"""Paying by bank: the checkout is complete at once, the money comes later or not at all."""

import pytest
import stripe

from tests.billing.till.buying import checkout, customer, kinds, price
from tests.till import RunningTill, TillError


def test_money_arrives(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client, customer=customer(client).id, invoice_creation={"enabled": True})
    done = till.pay_by_bank(made.id)
    assert (done["status"], done["payment_status"], done["invoice"]) == ("complete", "unpaid", None)
    intent = client.v1.payment_intents.retrieve(done["payment_intent"], {"expand": ["latest_charge"]})
    assert intent.status == "processing"
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert (intent.latest_charge.status, intent.latest_charge.paid) == ("pending", False)
    till.bank_arrives(made.id)
    after = client.v1.checkout.sessions.retrieve(made.id, {"expand": ["payment_intent", "invoice"]})
    assert after.payment_status == "paid"
    assert isinstance(after.payment_intent, stripe.PaymentIntent)
    assert isinstance(after.invoice, stripe.Invoice)
    assert (after.payment_intent.status, after.invoice.status) == ("succeeded", "paid")
    assert kinds(till, made.id) == [
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
    ]
    assert kinds(till, intent.id) == [
        "payment_intent.created",
        "payment_intent.processing",
        "payment_intent.succeeded",
    ]


def test_bank_does_not_pay(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client)
    intent = till.pay_by_bank(made.id)["payment_intent"]
    till.bank_fails(made.id)
    after = client.v1.checkout.sessions.retrieve(made.id)
    assert (after.status, after.payment_status) == ("complete", "unpaid")
    assert client.v1.payment_intents.retrieve(intent).status == "requires_payment_method"
    assert kinds(till, made.id)[-1] == "checkout.session.async_payment_failed"
    with pytest.raises(TillError, match="on its way"):
        till.bank_arrives(made.id)


def test_checkout_for_cards_alone_takes_no_bank(till: RunningTill, client: stripe.StripeClient) -> None:
    with pytest.raises(TillError, match="by bank"):
        till.pay_by_bank(checkout(client, allowed_payment_method_types=["card"]).id)


def test_free_checkout_waits_for_no_bank(till: RunningTill, client: stripe.StripeClient) -> None:
    done = till.pay_by_bank(checkout(client, discounts=[{"coupon": "FREE"}]).id)
    assert (done["status"], done["payment_status"]) == ("complete", "no_payment_required")


@pytest.mark.parametrize(("currency", "kind"), [("usd", "us_bank_account"), ("eur", "sepa_debit")])
def test_bank_account_is_of_the_currency(
    till: RunningTill, client: stripe.StripeClient, currency: str, kind: str
) -> None:
    made = checkout(client, line_items=[price(1200, currency)])
    intent = till.pay_by_bank(made.id)["payment_intent"]
    (charge,) = client.v1.charges.list({"payment_intent": intent}).data
    assert charge.payment_method_details is not None
    assert charge.payment_method_details.type == kind
