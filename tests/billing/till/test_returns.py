"""What takes money back: refunds, disputes, warnings of fraud."""

import pytest
import stripe

from tests.billing.till.buying import checkout, kinds, paid
from tests.till import RunningTill, TillError


def charge_of(client: stripe.StripeClient, intent: str) -> stripe.Charge:
    charge = client.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge.refunds"]}).latest_charge
    assert isinstance(charge, stripe.Charge)
    return charge


def test_refunds_add_up(till: RunningTill, client: stripe.StripeClient) -> None:
    intent = paid(client, till)
    first = client.v1.refunds.create(
        {"payment_intent": intent, "amount": 500, "metadata": {"by": "staff:1"}, "reason": "duplicate"}
    )
    assert (first.status, first.amount, first.reason, first.currency) == (
        "succeeded",
        500,
        "duplicate",
        "usd",
    )
    charge = charge_of(client, intent)
    assert (charge.amount_refunded, charge.refunded) == (500, False)
    rest = till.refund(intent)
    assert rest["amount"] == 700
    charge = charge_of(client, intent)
    assert (charge.amount_refunded, charge.refunded) == (1200, True)
    assert charge.refunds is not None
    assert [refund.id for refund in charge.refunds.data] == [rest["id"], first.id]
    listed = client.v1.refunds.list({"payment_intent": intent})
    assert [refund.id for refund in listed.data] == [rest["id"], first.id]
    assert kinds(till, first.id) == ["refund.created"]
    assert kinds(till, charge.id) == ["charge.succeeded", "charge.refunded", "charge.refunded"]


@pytest.mark.parametrize("amount", [0, 1201])
def test_wrong_amount_is_not_refunded(till: RunningTill, client: stripe.StripeClient, amount: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": paid(client, till), "amount": amount})
    assert refused.value.param == "amount"


def test_nothing_is_refunded_twice(till: RunningTill, client: stripe.StripeClient) -> None:
    intent = paid(client, till)
    till.refund(intent)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": charge_of(client, intent).id})
    assert refused.value.code == "charge_already_refunded"


def test_what_is_not_paid_is_not_refunded(till: RunningTill, client: stripe.StripeClient) -> None:
    made = checkout(client)
    intent = till.pay_by_bank(made.id)["payment_intent"]
    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        client.v1.refunds.create({"payment_intent": intent})
    (charge,) = client.v1.charges.list({"payment_intent": intent}).data
    with pytest.raises(stripe.InvalidRequestError, match="nothing to refund"):
        client.v1.refunds.create({"charge": charge.id})
    with pytest.raises(stripe.InvalidRequestError, match="One of the following"):
        client.v1.refunds.create({})


def test_refund_comes_back(till: RunningTill, client: stripe.StripeClient) -> None:
    intent = paid(client, till)
    refund = till.refund(intent, 500)
    till.fail_refund(refund["id"])
    after = client.v1.refunds.retrieve(refund["id"])
    assert (after.status, after.failure_reason) == ("failed", "lost_or_stolen_card")
    charge = charge_of(client, intent)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert kinds(till, refund["id"]) == [
        "refund.created",
        "refund.updated",
        "charge.refund.updated",
        "refund.failed",
    ]
    with pytest.raises(TillError, match="failed"):
        till.fail_refund(refund["id"])


@pytest.mark.parametrize(("outcome", "entries"), [("won", 2), ("lost", 1)])
def test_dispute_takes_what_was_not_refunded(
    till: RunningTill, client: stripe.StripeClient, outcome: str, entries: int
) -> None:
    intent = paid(client, till)
    till.refund(intent, 200)
    dispute = till.dispute(intent)
    assert (dispute["amount"], dispute["status"]) == (1000, "needs_response")
    assert charge_of(client, intent).disputed
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent})
    assert refused.value.code == "charge_disputed"
    till.answer_dispute(dispute["id"])
    assert client.v1.disputes.retrieve(dispute["id"]).status == "under_review"
    till.close_dispute(dispute["id"], outcome)
    (after,) = client.v1.disputes.list({"payment_intent": intent}).data
    assert (after.status, len(after.balance_transactions)) == (outcome, entries)
    seen = kinds(till, dispute["id"])
    assert seen[:4] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.closed",
    ]
    assert ("charge.dispute.funds_reinstated" in seen) == (outcome == "won")
    with pytest.raises(TillError, match=outcome):
        till.close_dispute(dispute["id"], "won")


def test_inquiry_takes_no_money(till: RunningTill, client: stripe.StripeClient) -> None:
    intent = paid(client, till)
    inquiry = till.dispute(intent, status="warning_needs_response")
    assert (inquiry["balance_transactions"], inquiry["is_charge_refundable"]) == ([], True)
    with pytest.raises(TillError, match="warning_needs_response"):
        till.close_dispute(inquiry["id"], "won")
    till.refund(intent, 200)
    till.close_dispute(inquiry["id"], "warning_closed")
    assert client.v1.disputes.retrieve(inquiry["id"]).status == "warning_closed"
    assert kinds(till, inquiry["id"]) == ["charge.dispute.created", "charge.dispute.closed"]


def test_inquiry_becomes_a_dispute(till: RunningTill, client: stripe.StripeClient) -> None:
    inquiry = till.dispute(paid(client, till), 300, status="warning_needs_response")
    till.escalate_dispute(inquiry["id"])
    dispute = client.v1.disputes.retrieve(inquiry["id"])
    assert (dispute.status, dispute.amount, len(dispute.balance_transactions)) == ("needs_response", 300, 1)


@pytest.mark.parametrize("how", [{"amount": 1201}, {"amount": 0}, {"status": "won"}])
def test_wrong_dispute_is_refused(
    till: RunningTill, client: stripe.StripeClient, how: dict[str, int | str]
) -> None:
    intent = paid(client, till)
    with pytest.raises(TillError):
        till.dispute(intent, **how)  # type: ignore[arg-type]  # one of the two
    with pytest.raises(TillError):
        till.close_dispute(till.dispute(intent)["id"], "forgotten")


def test_warning_of_fraud(till: RunningTill, client: stripe.StripeClient) -> None:
    intent = paid(client, till)
    warning = till.fraud_warning(intent)
    found = client.v1.radar.early_fraud_warnings.retrieve(warning["id"])
    assert (found.payment_intent, found.actionable) == (intent, True)
    (listed,) = client.v1.radar.early_fraud_warnings.list({"payment_intent": intent}).data
    assert listed.id == found.id
    assert kinds(till, warning["id"]) == ["radar.early_fraud_warning.created"]
