"""A checkout, from its making to its end."""

from typing import Any

import pytest
import stripe

from tests.billing.till.buying import checkout, customer, kinds, price
from tests.till import RunningTill, TillError


def test_paid_checkout_has_a_charge_and_a_receipt(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(
        client,
        client_reference_id="payment:7",
        metadata={"payment": "7"},
        payment_intent_data={"metadata": {"payment": "7"}, "description": "600 credits"},
    )
    assert (made.status, made.payment_status, made.payment_intent) == ("open", "unpaid", None)
    assert made.url == f"{till.base_url}/pay/{made.id}"
    till.pay(made.id)
    done = client.v1.checkout.sessions.retrieve(made.id, {"expand": ["payment_intent.latest_charge"]})
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert (done.amount_subtotal, done.amount_total, done.currency) == (1200, 1200, "usd")
    assert (done.client_reference_id, done.livemode) == ("payment:7", False)
    intent = done.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert (intent.status, intent.amount_received) == ("succeeded", 1200)
    assert (intent.metadata["payment"], intent.description) == ("7", "600 credits")
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert (charge.paid, charge.amount, charge.amount_refunded) == (True, 1200, 0)
    assert charge.receipt_url == f"{till.base_url}/receipts/{charge.id}"
    assert kinds(till, made.id) == ["checkout.session.completed"]
    assert kinds(till, intent.id) == ["payment_intent.created", "payment_intent.succeeded"]
    assert kinds(till, charge.id) == ["charge.succeeded"]


def test_declined_card_leaves_the_checkout_open(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client)
    assert till.decline(made.id)["error"]["code"] == "card_declined"
    tried = client.v1.checkout.sessions.retrieve(made.id, {"expand": ["payment_intent"]})
    assert (tried.status, tried.payment_status) == ("open", "unpaid")
    assert isinstance(tried.payment_intent, stripe.PaymentIntent)
    assert tried.payment_intent.status == "requires_payment_method"
    done = till.pay(made.id)
    assert (done["payment_status"], done["payment_intent"]) == ("paid", tried.payment_intent.id)


def test_paid_checkout_is_not_paid_again(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client)
    till.pay(made.id)
    with pytest.raises(TillError, match="complete"):
        till.pay(made.id)
    with pytest.raises(stripe.InvalidRequestError, match="status of complete"):
        client.v1.checkout.sessions.expire(made.id)


def test_checkout_expires_when_its_time_is_over(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client, expires_at=till.advance(0) + 31 * 60)
    till.decline(made.id)
    till.advance(32 * 60)
    done = client.v1.checkout.sessions.retrieve(made.id, {"expand": ["payment_intent"]})
    assert (done.status, done.payment_status, done.url) == ("expired", "unpaid", None)
    assert isinstance(done.payment_intent, stripe.PaymentIntent)
    assert done.payment_intent.status == "canceled"
    assert kinds(till, made.id) == ["checkout.session.expired"]


@pytest.mark.parametrize("by_hand", [True, False])
def test_checkout_can_be_expired(till: RunningTill, client: stripe.StripeClient, by_hand: bool) -> None:
    made = checkout(client)
    if by_hand:
        till.expire(made.id)
    else:
        client.v1.checkout.sessions.expire(made.id)
    assert client.v1.checkout.sessions.retrieve(made.id).status == "expired"


def test_half_off(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client, allow_promotion_codes=True)
    done = till.pay(made.id, promotion_code="half")
    assert (done["amount_subtotal"], done["amount_total"]) == (1200, 600)
    assert done["total_details"]["amount_discount"] == 600
    code = client.v1.promotion_codes.retrieve(done["discounts"][0]["promotion_code"])
    assert (code.code, code.times_redeemed) == ("HALF", 1)
    assert client.v1.payment_intents.retrieve(done["payment_intent"]).amount == 600


def test_all_of_it_off_makes_no_payment(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client, discounts=[{"promotion_code": "promo_free"}])
    assert (made.amount_total, made.payment_status) == (0, "unpaid")
    done = till.pay(made.id)
    assert (done["payment_status"], done["payment_intent"]) == ("no_payment_required", None)
    assert (done["status"], done["amount_subtotal"]) == ("complete", 1200)


def test_code_is_refused_where_none_is_allowed(till: RunningTill, client: stripe.StripeClient) -> None:
    with pytest.raises(TillError, match="not valid"):
        till.pay(checkout(client).id, promotion_code="HALF")
    with pytest.raises(TillError, match="not valid"):
        till.pay(checkout(client, allow_promotion_codes=True).id, promotion_code="NONE")


@pytest.mark.parametrize(
    ("behavior", "total", "tax"), [("exclusive", 714, 114), ("inclusive", 600, 96), ("unspecified", 714, 114)]
)
def test_tax_is_on_what_the_code_leaves(
    till: RunningTill, client: stripe.StripeClient, behavior: str, total: int, tax: int
) -> None:
    made = checkout(
        client,
        line_items=[price(tax_behavior=behavior)],
        automatic_tax={"enabled": True},
        allow_promotion_codes=True,
    )
    done = till.pay(made.id, promotion_code="HALF")
    assert (done["amount_subtotal"], done["amount_total"]) == (1200, total)
    assert done["total_details"]["amount_tax"] == tax
    assert done["automatic_tax"]["status"] == "complete"
    assert done["customer_details"]["address"]["country"] == "DE"
    (item,) = client.v1.checkout.sessions.line_items.list(made.id).data
    assert (item.amount_subtotal, item.amount_discount, item.amount_tax) == (1200, 600, tax)


def test_tax_of_a_customer_needs_an_address(till: RunningTill, client: stripe.StripeClient) -> None:
    buyer = customer(client)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        checkout(client, customer=buyer.id, automatic_tax={"enabled": True})
    assert refused.value.code == "customer_tax_location_invalid"
    made = checkout(
        client, customer=buyer.id, automatic_tax={"enabled": True}, customer_update={"address": "auto"}
    )
    till.pay(made.id)
    address = client.v1.customers.retrieve(buyer.id).address
    assert address is not None
    assert address.country == "DE"


def test_terms_are_accepted(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client, consent_collection={"terms_of_service": "required"})
    assert made.consent is None
    assert till.pay(made.id)["consent"]["terms_of_service"] == "accepted"


def test_invoice_of_a_checkout(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(
        client,
        customer=customer(client).id,
        invoice_creation={"enabled": True, "invoice_data": {"metadata": {"payment": "7"}}},
        automatic_tax={"enabled": True},
        customer_update={"address": "auto"},
    )
    invoice = client.v1.invoices.retrieve(till.pay(made.id)["invoice"])
    assert (invoice.status, invoice.subtotal, invoice.total, invoice.amount_paid) == (
        "paid",
        1200,
        1428,
        1428,
    )
    assert invoice.metadata is not None
    assert invoice.metadata["payment"] == "7"
    assert invoice.hosted_invoice_url == f"{till.base_url}/invoices/{invoice.id}"
    assert "invoice.paid" in kinds(till, invoice.id)


def test_card_is_saved_without_a_payment(till: RunningTill, client: stripe.StripeClient) -> None:
    buyer = customer(client)
    made = client.v1.checkout.sessions.create(
        {
            "mode": "setup",
            "currency": "usd",
            "customer": buyer.id,
            "success_url": "http://localhost:8000/credits/",
            "setup_intent_data": {"metadata": {"organization": "7"}},
        }
    )
    assert isinstance(made.setup_intent, str)
    assert till.decline(made.id)["error"]["code"] == "card_declined"
    till.pay(made.id, card="declines_later")
    intent = client.v1.setup_intents.retrieve(made.setup_intent, {"expand": ["payment_method"]})
    assert (intent.status, intent.usage) == ("succeeded", "off_session")
    assert isinstance(intent.payment_method, stripe.PaymentMethod)
    assert intent.payment_method.customer == buyer.id
    assert intent.payment_method.card is not None
    assert intent.payment_method.card.last4 == "0341"
    assert kinds(till, intent.id) == ["setup_intent.created", "setup_intent.succeeded"]


def test_somebody_without_a_customer_gets_one_with_the_card(
    till: RunningTill, client: stripe.StripeClient
) -> None:
    done = till.pay(checkout(client, payment_intent_data={"setup_future_usage": "off_session"}).id)
    assert len(client.v1.customers.payment_methods.list(done["customer"]).data) == 1
    assert till.pay(checkout(client).id)["customer"] is None
    assert till.pay(checkout(client, customer_creation="always").id)["customer"] is not None


WRONG = [
    ({"mode": "subscription"}, "mode", None),
    ({"success_url": "javascript:alert(1)"}, "success_url", "url_invalid"),
    ({"cancel_url": "http://localhost/\r\nSet-Cookie: a=b"}, "cancel_url", "url_invalid"),
    ({"setup_intent_data": {"description": "x"}}, "setup_intent_data", None),
    ({"customer": "cus_x", "customer_email": "a@b.example"}, "customer", None),
    ({"customer": "cus_nobody"}, "customer", "resource_missing"),
    ({"customer_update": {"name": "auto"}}, "customer_update", None),
    ({"allow_promotion_codes": True, "discounts": [{"coupon": "HALF"}]}, "allow_promotion_codes", None),
    ({"discounts": [{"coupon": "HALF"}, {"coupon": "HALF"}]}, "discounts", None),
    ({"discounts": [{"coupon": "QUARTER"}]}, "discounts[0][coupon]", "resource_missing"),
    ({"expires_at": 1_000_000_000}, "expires_at", None),
    ({"line_items": [price(currency="us")]}, "currency", "parameter_invalid"),
    ({"line_items": [price(), price(currency="eur")]}, "line_items", None),
    ({"line_items": [price()], "currency": "eur"}, "currency", None),
    ({"line_items": [{"price": "price_1", "quantity": 1}]}, "line_items[0][price_data]", None),
    ({"line_items": [{**price(), "quantity": 0}]}, "line_items[0]", "parameter_invalid_integer"),
    ({"line_items": [price(10)]}, None, "amount_too_small"),
    ({"line_items": [price(120050, "ugx")]}, "line_items[0][price_data][unit_amount]", None),
]


@pytest.mark.parametrize(("change", "param", "code"), WRONG)
def test_wrong_checkout_is_refused(
    client: stripe.StripeClient, change: dict[str, Any], param: str | None, code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        checkout(client, **change)
    assert (refused.value.param, refused.value.code) == (param, code)


def test_tax_ids_of_a_customer_need_the_name(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="customer_update"):
        checkout(client, customer=customer(client).id, tax_id_collection={"enabled": True})


@pytest.mark.parametrize("missing", ["mode", "line_items", "success_url"])
def test_incomplete_checkout_is_refused(client: stripe.StripeClient, missing: str) -> None:
    params = {"mode": "payment", "line_items": [price()], "success_url": "http://localhost/"}
    del params[missing]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(params)  # type: ignore[arg-type]  # the point of it
    assert (refused.value.param, refused.value.code) == (missing, "parameter_missing")


def test_checkouts_are_listed(till: RunningTill, client: stripe.StripeClient) -> None:
    buyer = customer(client)
    one, two = (checkout(client, customer=buyer.id) for _ in range(2))
    intent = till.pay(one.id)["payment_intent"]
    listed = client.v1.checkout.sessions.list({"customer": buyer.id})
    assert [session.id for session in listed.data] == [two.id, one.id]
    of_intent = client.v1.checkout.sessions.list({"payment_intent": intent})
    assert [session.id for session in of_intent.data] == [one.id]
    still_open = client.v1.checkout.sessions.list({"customer": buyer.id, "status": "open"})
    assert [session.id for session in still_open.data] == [two.id]
