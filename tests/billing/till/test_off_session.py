"""Charging a saved card while nobody is there."""

from typing import Any

import pytest
import stripe

from tests.billing.till.buying import checkout, customer, kinds, paid, with_card
from tests.till import RunningTill, TillError


def charge(
    client: stripe.StripeClient, customer_id: str, method_id: str, **more: Any
) -> stripe.PaymentIntent:
    params: Any = {"amount": 1500, "currency": "usd", "customer": customer_id, "payment_method": method_id}
    params |= {"confirm": True, "off_session": True, "metadata": {"payment": "9"}}
    params |= {"allowed_payment_method_types": ["card"], **more}
    return client.v1.payment_intents.create(params)


def test_saved_card_is_charged(till: RunningTill, client: stripe.StripeClient) -> None:
    intent = charge(client, *with_card(client, till), expand=["latest_charge"])
    assert (intent.status, intent.amount_received, intent.metadata["payment"]) == ("succeeded", 1500, "9")
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert intent.latest_charge.receipt_url is not None
    assert kinds(till, intent.id) == ["payment_intent.created", "payment_intent.succeeded"]


@pytest.mark.parametrize(
    ("card", "code"),
    [("declines_later", "card_declined"), ("needs_authentication", "authentication_required")],
)
def test_refused_card_is_an_error_that_names_its_intent(
    till: RunningTill, client: stripe.StripeClient, card: str, code: str
) -> None:
    with pytest.raises(stripe.CardError) as refused:
        charge(client, *with_card(client, till, card))
    assert (refused.value.http_status, refused.value.code) == (402, code)
    told = refused.value.error
    assert told is not None
    intent = told.payment_intent
    assert intent is not None
    assert (intent.status, intent.metadata["payment"]) == ("requires_payment_method", "9")
    kept = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert kept.last_payment_error is not None
    assert kept.last_payment_error.code == code
    assert isinstance(kept.latest_charge, stripe.Charge)
    assert (kept.latest_charge.status, kept.latest_charge.failure_code) == ("failed", code)
    assert kinds(till, intent.id) == ["payment_intent.created", "payment_intent.payment_failed"]


def test_refusal_is_replayed_by_its_key(till: RunningTill, client: stripe.StripeClient) -> None:
    buyer, method = with_card(client, till, "declines_later")
    params: Any = {"amount": 1500, "currency": "usd", "customer": buyer, "payment_method": method}
    params |= {"confirm": True, "off_session": True, "allowed_payment_method_types": ["card"]}
    found = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refused:
            client.v1.payment_intents.create(params, {"idempotency_key": "topup:1"})
        assert refused.value.error is not None
        assert refused.value.error.payment_intent is not None
        found.append(refused.value.error.payment_intent.id)
    assert found[0] == found[1]
    assert len(client.v1.payment_intents.list({"customer": buyer}).data) == 2  # the checkout's and this one


def test_customer_confirms_what_was_refused(till: RunningTill, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as refused:
        charge(client, *with_card(client, till, "needs_authentication"))
    assert refused.value.error is not None
    assert refused.value.error.payment_intent is not None
    intent_id = refused.value.error.payment_intent.id
    till.authenticate(intent_id)
    assert client.v1.payment_intents.retrieve(intent_id).status == "succeeded"
    with pytest.raises(TillError, match="nobody"):
        till.authenticate(intent_id)


def test_somebody_present_is_asked(till: RunningTill, client: stripe.StripeClient) -> None:
    buyer, method = with_card(client, till, "needs_authentication")
    intent = charge(client, buyer, method, off_session=False, return_url="http://localhost:8000/credits/")
    assert intent.status == "requires_action"
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    assert intent.next_action.redirect_to_url.url == f"{till.base_url}/authenticate/{intent.id}"
    assert kinds(till, intent.id)[-1] == "payment_intent.requires_action"
    assert client.v1.payment_intents.cancel(intent.id).status == "canceled"


def test_card_changes_its_mind(till: RunningTill, client: stripe.StripeClient) -> None:
    buyer, method = with_card(client, till)
    till.use_card(buyer, "declines_later")
    with pytest.raises(stripe.CardError):
        charge(client, buyer, method)
    till.use_card(buyer, "works")
    assert charge(client, buyer, method).status == "succeeded"
    assert till.use_card(customer(client).id, "works")["card"]["last4"] == "4242"


def test_intent_is_made_first_and_confirmed_then(till: RunningTill, client: stripe.StripeClient) -> None:
    buyer, method = with_card(client, till)
    intent = client.v1.payment_intents.create({"amount": 500, "currency": "usd", "customer": buyer})
    assert intent.status == "requires_payment_method"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.confirm(intent.id, {"return_url": "http://localhost:8000/credits/"})
    assert refused.value.code == "payment_intent_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError, match="return_url"):
        client.v1.payment_intents.confirm(intent.id, {"payment_method": method})
    back = "http://localhost:8000/credits/"
    done = client.v1.payment_intents.confirm(
        intent.id, {"payment_method": method, "off_session": True, "return_url": back}
    )
    assert done.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="status of succeeded"):
        client.v1.payment_intents.cancel(intent.id)


def test_intent_of_a_checkout_is_not_canceled(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client)
    till.decline(made.id)
    intent = client.v1.checkout.sessions.retrieve(made.id).payment_intent
    assert isinstance(intent, str)
    with pytest.raises(stripe.InvalidRequestError, match="Expire the Checkout Session"):
        client.v1.payment_intents.cancel(intent)


def test_strangers_card_is_refused(till: RunningTill, client: stripe.StripeClient) -> None:
    _, method = with_card(client, till)
    with pytest.raises(stripe.InvalidRequestError, match="does not have a payment method"):
        charge(client, customer(client).id, method)
    with pytest.raises(stripe.InvalidRequestError, match="you must provide the customer"):
        client.v1.payment_intents.create({"amount": 500, "currency": "usd", "payment_method": method})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 0}, "parameter_invalid_integer"),
        ({"amount": 49}, "amount_too_small"),
        ({"amount": 100_000_000}, "amount_too_large"),
        ({"currency": "dollars"}, "parameter_invalid"),
        ({"amount": 10001, "currency": "kwd"}, None),
        ({"payment_method": "pm_nobody"}, "resource_missing"),
        ({"confirm": False}, None),
        ({"return_url": "javascript:alert(1)"}, "url_invalid"),
    ],
)
def test_wrong_charge_is_refused(
    client: stripe.StripeClient, change: dict[str, Any], code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        charge(client, customer(client).id, "pm_card_visa", **change)
    assert refused.value.code == code


def test_stripes_test_tokens_are_cards(client: stripe.StripeClient) -> None:
    assert charge(client, customer(client).id, "pm_card_visa").status == "succeeded"
    with pytest.raises(stripe.CardError, match="declined"):
        charge(client, customer(client).id, "pm_card_chargeCustomerFail")


def test_charges_of_a_payment_are_listed(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client)
    till.decline(made.id)
    till.pay(made.id)
    intent = client.v1.checkout.sessions.retrieve(made.id).payment_intent
    assert isinstance(intent, str)
    statuses = [charge.status for charge in client.v1.charges.list({"payment_intent": intent}).data]
    assert statuses == ["succeeded", "failed"]
    fee = client.v1.charges.list(
        {"payment_intent": paid(client, till), "expand": ["data.balance_transaction"]}
    ).data[0]
    assert isinstance(fee.balance_transaction, stripe.BalanceTransaction)
    assert fee.balance_transaction.net == 1200 - (1200 * 29 // 1000 + 30)
