"""What does not agree with Stripe: no credit comes or goes, operators are told once, and one of them ends it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils.translation import override

from accounts.models import AlertKind, OperatorAlert
from billing import checkout, notices, payments, stripe_events, stripe_gateway
from billing.models import HandSettlement, Payment, PaymentStatus
from tests.billing.stripe.buying import (
    CREDITS,
    PRICE,
    Buyer,
    arrives,
    events_about,
    intent_of,
    steps_of,
)
from tests.billing.stripe.topping_up import a_rule, ordered, outcomes_of, sweep
from tests.makers import ago, books_are_right
from tests.till import RunningTill

pytestmark = pytest.mark.django_db
NewBuyer = Callable[[], Buyer]
OPERATOR = "staff:5f0c"


def synced(payment: Payment) -> Payment:
    return payments.sync_payment(payment.pk)


def agreed_otherwise(payment: Payment, **ours: Any) -> Payment:
    """Looked at, after our row was made to differ from what Stripe has: by its price, unless named."""
    Payment.objects.filter(pk=payment.pk).update(**(ours or {"amount_minor": PRICE - 1}))
    payment = synced(payment)
    assert payment.problem
    return payment


def paid_otherwise(buyer: Buyer, **ours: Any) -> Payment:
    payment = buyer.starts()
    buyer.till.pay(str(payment.session_id))
    return agreed_otherwise(payment, **ours)


def settled(payment: Payment) -> Payment:
    return payments.settle_by_hand(payment.pk, actor=OPERATOR, reason=" Refunded at Stripe. ")


def alerts() -> list[str]:
    return list(OperatorAlert.objects.order_by("pk").values_list("subject", flat=True))


@pytest.mark.parametrize(
    ("ours", "words"),
    [
        ({"amount_minor": PRICE - 1}, "Its price is $20.00, not $19.99."),
        ({"currency": "eur"}, "Its price is $20.00, not €20.00."),
        ({"livemode": True}, "It was paid in the other mode"),
        ({"public_id": "pay_another"}, "It belongs to pay_"),
    ],
)
def test_it_credits_nothing_and_operators_are_told_once(
    new_buyer: NewBuyer, ours: dict[str, object], words: str
) -> None:
    buyer = new_buyer()
    payment = paid_otherwise(buyer, **ours)
    for language in ("en", "de"):  # of whoever happens to look
        with override(language):
            payment = synced(payment)
    assert buyer.wallet() == (0, 0, 0, 0)
    assert words in payment.problem
    alert = OperatorAlert.objects.get(kind=AlertKind.PAYMENT)
    assert payment.public_id in alert.subject
    assert words in alert.body
    assert "No credits were given for it." in alert.body
    # A row in another mode than its own account is a finding of its own.
    assert books_are_right() == ("livemode" not in ours)


def test_once_it_agrees_again_it_is_credited(new_buyer: NewBuyer) -> None:
    payment = paid_otherwise(new_buyer())
    Payment.objects.filter(pk=payment.pk).update(amount_minor=PRICE)
    payment = synced(payment)
    assert (payment.problem, payment.credited) == ("", CREDITS)


def test_what_was_credited_before_stays_and_that_is_what_is_said(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    agreed_otherwise(buyer.buys())
    assert buyer.wallet()[0] == CREDITS
    [notice] = notices.notices()
    for words in (OperatorAlert.objects.get().body, notice.advice):
        assert "The 1,000 credits that it brought before stay." in words
        assert "No credits were given" not in words


def test_a_foreign_reference_of_any_length_is_told(new_buyer: NewBuyer, till: RunningTill) -> None:
    payment = new_buyer().starts()
    foreign = till.client().v1.checkout.sessions.create(
        {
            "mode": "payment",
            "metadata": {"payment": "x" * 500},
            "success_url": "http://shop.example/",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {"currency": "usd", "unit_amount": PRICE, "product_data": {"name": "x"}},
                }
            ],
        }
    )
    problem = agreed_otherwise(payment, session_id=foreign.id).problem
    assert (problem[:20], len(problem)) == ("It belongs to xxxxxx", 200)


# --- When it is looked at -------------------------------------------------------------------------


def test_an_older_look_that_agreed_does_not_win(new_buyer: NewBuyer, till: RunningTill) -> None:
    buyer = new_buyer()
    payment = buyer.starts()
    till.pay(str(payment.session_id))
    slow = payments.begin(payment.pk)
    facts = payments.ask(slow)
    payment = agreed_otherwise(payment, livemode=True)
    Payment.objects.filter(pk=payment.pk).update(livemode=False)
    after = payments.apply(slow, facts)
    assert (after.credited, after.problem) == (0, payment.problem)
    assert buyer.wallet()[0] == 0


def test_while_it_is_undecided_it_is_looked_at_once_an_hour(new_buyer: NewBuyer, till: RunningTill) -> None:
    payment = paid_otherwise(new_buyer())
    payments.want_sync(payment.pk)
    assert payments.sync_due() == 1
    asked = len(till.log())
    assert payments.sync_due() == 0
    assert len(till.log()) == asked
    again = Payment.objects.filter(pk=payment.pk, sync_due_at__gt=ago(-3500), sync_due_at__lt=ago(-3700))
    assert again.exists()
    payments.want_sync(payment.pk)
    assert payments.sync_due() == 1
    assert alerts() == [f"{payment.public_id} does not agree with Stripe"]


def test_one_that_was_decided_before_is_not_looked_at_by_itself(new_buyer: NewBuyer) -> None:
    payment = agreed_otherwise(new_buyer().buys())
    assert (payment.status, payment.sync_due_at) == (PaymentStatus.PAID, None)


# --- Settled by hand ------------------------------------------------------------------------------


def test_one_that_was_settled_stays_as_it_is_whatever_stripe_says(
    new_buyer: NewBuyer, till: RunningTill
) -> None:
    buyer = new_buyer()
    payment = paid_otherwise(buyer)
    session = till.client().v1.checkout.sessions.retrieve(str(payment.session_id))
    done = settled(payment)
    assert (done.status, done.problem, done.credited) == (PaymentStatus.SETTLED, "", 0)
    how = HandSettlement.objects.get(payment=payment)
    assert (how.reason, how.actor) == ("Refunded at Stripe.", OPERATOR)
    assert how.problem == "Its price is $20.00, not $19.99."
    assert notices.notices() == []
    Payment.objects.filter(pk=payment.pk).update(amount_minor=PRICE)  # even if it agreed again
    till.refund(str(session.payment_intent), 500)
    till.dispute(str(session.payment_intent))
    for event in events_about(till, payment):
        assert stripe_events.process(arrives(event))
    payment = synced(payment)
    assert (payment.status, payment.problem, payment.credited) == (PaymentStatus.SETTLED, "", 0)
    assert (payment.sync_due_at, payment.applied_no) == (None, payment.sync_no)
    assert (buyer.wallet()[0], steps_of(payment), len(alerts())) == (0, [], 1)
    assert books_are_right()


def test_what_was_credited_before_it_was_settled_stays(new_buyer: NewBuyer, till: RunningTill) -> None:
    buyer = new_buyer()
    payment = settled(agreed_otherwise(buyer.buys()))
    till.refund(intent_of(payment))
    payment = synced(payment)
    assert (payment.credited, payment.refundable_minor, buyer.wallet()[0]) == (CREDITS, 0, CREDITS)
    assert books_are_right()


def test_a_look_that_is_under_way_while_it_is_settled_changes_nothing(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = paid_otherwise(buyer)
    slow = payments.begin(payment.pk)
    facts = payments.ask(slow)
    settled(payment)
    Payment.objects.filter(pk=payment.pk).update(amount_minor=PRICE)
    after = payments.apply(slow, facts)
    assert (after.status, after.credited, buyer.wallet()[0]) == (PaymentStatus.SETTLED, 0, 0)


def test_money_that_comes_after_it_was_settled_is_told_once(new_buyer: NewBuyer, till: RunningTill) -> None:
    buyer = new_buyer()
    payment = settled(agreed_otherwise(buyer.starts()))
    assert synced(payment).status == PaymentStatus.SETTLED
    assert len(alerts()) == 1
    till.pay(str(payment.session_id))
    for _ in range(2):
        payment = synced(payment)
    assert alerts()[1:] == [f"{payment.public_id} was settled by hand, and now Stripe says that it is paid"]
    assert (payment.status, buyer.wallet()[0]) == (PaymentStatus.SETTLED, 0)


def test_one_that_stripe_does_not_show_any_more_is_a_problem_until_it_is_seen_again(
    new_buyer: NewBuyer,
) -> None:
    buyer = new_buyer()
    payment = buyer.starts()
    Payment.objects.filter(pk=payment.pk).update(session_id="cs_of_an_account_that_is_gone")
    payment.sync_tries = payments.REFUSALS_TOLERATED
    assert not payments.try_sync(payment)
    payment.refresh_from_db()
    assert payment.problem == "Stripe does not let us look at it."
    assert len(notices.notices()) == 1
    assert settled(payment).status == PaymentStatus.SETTLED
    assert not payments.try_sync(payment)
    assert alerts() == [f"Stripe does not let us look at {payment.public_id}"]
    other = buyer.starts()
    Payment.objects.filter(pk=other.pk).update(problem="Stripe does not let us look at it.")
    assert synced(other).problem == ""


def test_only_what_does_not_agree_is_settled_and_once(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = settled(paid_otherwise(buyer))
    for one in (payment, buyer.buys()):
        with pytest.raises(ValidationError, match="There is nothing to settle"):
            settled(one)
    assert HandSettlement.objects.count() == 1


def test_automatic_top_up_goes_on_once_its_purchase_was_settled(
    new_buyer: NewBuyer, till: RunningTill
) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    payment = ordered(rule)
    intent_id = stripe_gateway.charging.charge_off_session(
        payment,
        customer_id=str(checkout.customer_id_of(payment.account, buyer.organization.pk)),
        card_id=payment.payment_method_id,
        title="Tintype: automatic top-up",
    )
    payment = agreed_otherwise(payment, payment_intent_id=intent_id, currency="eur")
    sweep()
    assert outcomes_of(rule) == [(PaymentStatus.OPEN, "")], "One at a time"
    settled(payment)
    sweep()
    assert outcomes_of(rule) == [(PaymentStatus.SETTLED, ""), (PaymentStatus.PAID, "")]
    assert buyer.wallet()[0] == CREDITS
    assert books_are_right()
