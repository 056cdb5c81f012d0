"""An operator gives money back: never more than was paid, once each, and the books follow at once."""

import threading
from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from pytest_django import Settings

from accounts.models import OperatorAlert
from billing import audit, ledger, payments, refunds, stripe_events
from billing.errors import PaymentOwed
from billing.models import Payment, Refund
from tests.billing.stripe.buying import (
    CREDITS,
    MICROS,
    PRICE,
    Buyer,
    arrives,
    events_about,
    intent_of,
    owed,
)
from tests.makers import a_generation, ago, an_access, books_are_right, new_reference
from tests.threads import together
from tests.till import Object, RunningTill

NewBuyer = Callable[[], Buyer]
in_a_transaction = pytest.mark.django_db
with_commits = pytest.mark.usefixtures("committed_db")
OPERATOR = "staff:5f0c"


def give_back(payment: Payment, amount_minor: int) -> Refund:
    return refunds.refund(payment.pk, amount_minor, actor=OPERATOR, reason=" It did not suit them. ")


def sweep() -> int:
    Refund.objects.exclude(due_at=None).update(due_at=ago(1))
    return refunds.carry_out_due()


def at_stripe(till: RunningTill, payment: Payment) -> list[int]:
    """The amounts that were given back there, the oldest first."""
    found = till.client().v1.refunds.list({"payment_intent": intent_of(payment)}).data
    return [one.amount for one in reversed(found)]


def posts(till: RunningTill) -> list[Object]:
    return [asked for asked in till.log() if asked["method"] == "POST" and asked["path"] == "/v1/refunds"]


@in_a_transaction
def test_all_of_it(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    row = give_back(payment, PRICE)
    payment.refresh_from_db()
    assert (row.refusal, row.due_at, row.actor, row.reason) == ("", None, OPERATOR, "It did not suit them.")
    assert row.refund_id is not None
    assert row.refund_id.startswith("re_")
    assert (payment.refunded_minor, payment.credited, payment.refundable_minor) == (PRICE, 0, 0)
    assert buyer.wallet() == (0, 0, 0, 0)
    assert at_stripe(till, payment) == [PRICE]
    assert books_are_right()


@in_a_transaction
def test_two_parts_of_it(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    give_back(payment, 500)
    assert buyer.wallet() == (750, 0, 0, MICROS * 3 // 4)
    assert books_are_right()
    give_back(payment, 300)
    assert buyer.wallet() == (600, 0, 0, MICROS * 6 // 10)
    assert at_stripe(till, payment) == [500, 300]
    assert books_are_right()


@in_a_transaction
def test_of_what_was_spent_it_leaves_a_debt(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    ledger.take(buyer.organization.pk, 900, reference=new_reference("manual"), actor="system")
    give_back(payment, PRICE)
    assert (buyer.wallet()[0], owed(buyer.organization)) == (0, 900)
    with pytest.raises(PaymentOwed):
        a_generation(an_access(buyer.organization))
    buyer.buys()
    assert buyer.wallet()[0] == CREDITS - 900
    assert books_are_right()


@in_a_transaction
def test_a_refund_that_the_bank_sends_back_returns_the_credits_and_is_told_once(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    row = give_back(payment, 500)
    till.fail_refund(str(row.refund_id))
    for event in events_about(till, payment):
        assert stripe_events.process(arrives(event))
    assert buyer.wallet() == (CREDITS, 0, 0, MICROS)
    row.refresh_from_db()
    assert row.refusal == "It came back from the bank: lost or stolen card."
    alert = OperatorAlert.objects.get()
    assert alert.subject == f"A refund of $5.00 for {payment.public_id} failed"
    assert row.refusal in alert.body
    give_back(payment, PRICE)
    assert buyer.wallet()[0] == 0
    assert OperatorAlert.objects.count() == 1
    assert books_are_right()


@in_a_transaction
def test_a_refund_of_stripes_dashboard_that_comes_back_is_none_of_ours(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    made = till.refund(intent_of(payment))
    payments.sync_payment(payment.pk)
    till.fail_refund(made["id"])
    payments.sync_payment(payment.pk)
    assert buyer.wallet()[0] == CREDITS
    assert not OperatorAlert.objects.exists()


# --- What is refused ------------------------------------------------------------------------------


@in_a_transaction
@pytest.mark.parametrize("amount_minor", [PRICE - 499, PRICE, 10**9, 0, -5])
def test_more_than_is_left_is_refused(till: RunningTill, new_buyer: NewBuyer, amount_minor: int) -> None:
    payment = new_buyer().buys()
    give_back(payment, 500)
    with pytest.raises(ValidationError, match=r"At most \$15\.00"):
        give_back(payment, amount_minor)
    assert at_stripe(till, payment) == [500]


@in_a_transaction
def test_what_a_dispute_has_taken_cannot_be_given_back(till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().buys()
    till.dispute(intent_of(payment), 1500)
    payments.sync_payment(payment.pk)
    with pytest.raises(ValidationError, match=r"At most \$5\.00"):
        give_back(payment, 501)


@in_a_transaction
def test_what_nobody_paid_cannot_be_given_back(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    for payment in (buyer.starts(), buyer.buys(promotion_code="FREE")):
        with pytest.raises(ValidationError, match="Nothing was paid"):
            give_back(payment, 1)
    assert not Refund.objects.exists()


@in_a_transaction
def test_stripes_refusal_is_told_and_the_payment_looked_at(till: RunningTill, new_buyer: NewBuyer) -> None:
    """Somebody gave it back in Stripe's own dashboard, and we have not heard of it yet."""
    buyer = new_buyer()
    payment = buyer.buys()
    till.refund(intent_of(payment))
    row = give_back(payment, PRICE)
    assert "already been refunded" in row.refusal
    assert (row.refund_id, row.due_at) == (None, None)
    assert (sweep(), at_stripe(till, payment)) == (0, [PRICE])
    assert payments.sync_due() == 1
    assert buyer.wallet() == (0, 0, 0, 0)
    assert books_are_right()


@in_a_transaction
def test_what_is_refused_when_nobody_waits_for_it_is_told(till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().buys()
    till.behave(down=True)
    row = give_back(payment, PRICE)
    till.behave(down=False)
    till.dispute(intent_of(payment))
    assert sweep() == 1
    row.refresh_from_db()
    assert "has been charged back" in row.refusal
    alert = OperatorAlert.objects.get()
    assert alert.subject == f"A refund of $20.00 for {payment.public_id} failed"
    assert row.refusal in alert.body
    assert sweep() == 0


@in_a_transaction
def test_whoever_sees_the_refusal_at_once_needs_no_mail(till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().buys()
    till.dispute(intent_of(payment))
    assert give_back(payment, PRICE).refusal
    assert not OperatorAlert.objects.exists()


@in_a_transaction
def test_a_key_that_is_not_good_refuses_no_refund(
    till: RunningTill, new_buyer: NewBuyer, settings: Settings
) -> None:
    payment = new_buyer().buys()
    settings.STRIPE_SECRET_KEY = "sk_test_of_another"
    row = give_back(payment, PRICE)
    assert (row.refusal, sweep()) == ("", 0)
    settings.STRIPE_SECRET_KEY = till.secret_key
    assert sweep() == 1
    assert at_stripe(till, payment) == [PRICE]


# --- When Stripe is away --------------------------------------------------------------------------


@in_a_transaction
def test_while_stripe_is_away_it_is_promised_and_done_later(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    till.behave(down=True)
    row = give_back(payment, 1500)
    assert (row.refund_id, row.refusal) == (None, "")
    assert row.due_at is not None
    with pytest.raises(ValidationError, match=r"At most \$5\.00"):
        give_back(payment, 501)
    assert sweep() == 0
    assert refunds.carry_out_due() == 0, "It is left alone for a while."
    till.behave(down=False)
    assert sweep() == 1
    assert (at_stripe(till, payment), buyer.wallet()[0]) == ([1500], 250)
    assert sweep() == 0
    assert books_are_right()


@in_a_transaction
def test_a_lost_answer_is_asked_for_again_and_gives_back_once(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    till.behave(lose_answers=1)
    row = give_back(payment, 500)
    assert (row.refund_id, at_stripe(till, payment)) == (None, [500])
    assert sweep() == 1
    row.refresh_from_db()
    assert (at_stripe(till, payment), row.due_at) == ([500], None)
    keys = [asked["idempotency_key"] for asked in posts(till)[-2:]]
    assert keys == [f"refund:{payment.public_id}:{row.pk}"] * 2
    assert buyer.wallet()[0] == 750
    assert books_are_right()


@in_a_transaction
def test_after_a_day_it_is_looked_for_before_it_is_asked_again(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    """Stripe has forgotten the key by then, and would give it back twice."""
    buyer = new_buyer()
    payment = buyer.buys()
    till.behave(lose_answers=1)
    row = give_back(payment, 500)
    Refund.objects.filter(pk=row.pk).update(created_at=ago(21 * 3600))
    before = len(posts(till))
    assert sweep() == 1
    row.refresh_from_db()
    assert row.refund_id is not None
    assert (len(posts(till)), at_stripe(till, payment)) == (before, [500])
    assert books_are_right()


@in_a_transaction
def test_after_a_day_what_may_not_be_looked_for_is_neither_asked_again_nor_refused(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    """Told that it failed, the operator would give it back once more."""
    payment = new_buyer().buys()
    till.behave(lose_answers=1)
    row = give_back(payment, 500)
    Refund.objects.filter(pk=row.pk).update(created_at=ago(21 * 3600))
    assert list(refunds.unanswered()) == [row], "Operators hear of it"
    before = len(posts(till))
    till.behave(forbidden="refunds")
    for _ in range(3):
        assert sweep() == 0
    row.refresh_from_db()
    assert (row.refusal, row.refund_id, row.due_at is None) == ("", None, False)
    with pytest.raises(ValidationError, match=r"At most \$15\.00"):
        give_back(payment, 1501)
    till.behave(reset=True)
    assert (len(posts(till)), at_stripe(till, payment)) == (before, [500])
    assert (sweep(), refunds.unanswered().exists()) == (1, False), "The key was given the right"
    row.refresh_from_db()
    assert row.refund_id is not None
    assert at_stripe(till, payment) == [500]
    assert books_are_right()


@in_a_transaction
def test_what_may_not_be_looked_for_is_ended_by_hand(till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().buys()
    till.behave(lose_answers=1)
    row = give_back(payment, 500)
    Refund.objects.filter(pk=row.pk).update(created_at=ago(21 * 3600))
    before = len(posts(till))
    till.behave(forbidden="refunds")
    assert refunds.end_by_hand(row, actor=OPERATOR, reason="Stripe has given it")
    row.refresh_from_db()
    assert (row.due_at, row.refund_id) == (None, None)
    assert row.refusal.startswith("Owed")
    till.behave(reset=True)
    assert (sweep(), len(posts(till)), at_stripe(till, payment)) == (0, before, [500])


@in_a_transaction
def test_one_that_never_reached_stripe_is_still_done_after_a_day(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    payment = new_buyer().buys()
    till.behave(down=True)
    row = give_back(payment, 500)
    Refund.objects.filter(pk=row.pk).update(created_at=ago(30 * 3600))
    till.behave(down=False)
    assert sweep() == 1
    assert at_stripe(till, payment) == [500]


@in_a_transaction
def test_one_whose_payment_could_not_be_looked_at_is_not_asked_for_again(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    """Stripe gave it back, and was away when its new sums were wanted."""
    buyer = new_buyer()
    payment = buyer.buys()
    row = refunds.order(payment.pk, 500, actor=OPERATOR)
    made = till.client().v1.refunds.create({"payment_intent": intent_of(payment), "amount": 500})
    Refund.objects.filter(pk=row.pk).update(refund_id=made.id)
    with pytest.raises(ValidationError, match=r"At most \$15\.00"):
        give_back(payment, 1501)
    assert sweep() == 1
    assert (at_stripe(till, payment), buyer.wallet()[0]) == ([500], 750)


# --- Two operators --------------------------------------------------------------------------------


@with_commits
def test_two_operators_at_once_give_back_no_more_than_was_paid(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    connection.close()
    outcomes = together(4, lambda _: give_back(payment, 1500))
    assert sum(isinstance(one, Refund) for one in outcomes) == 1
    assert sum(isinstance(one, ValidationError) for one in outcomes) == 3
    assert (at_stripe(till, payment), buyer.wallet()[0]) == ([1500], 250)
    assert audit.check_snapshot() == []


@with_commits
def test_two_who_look_before_they_promise_would_promise_more(new_buyer: NewBuyer) -> None:
    payment = new_buyer().buys()
    both_have_looked = threading.Barrier(2)

    def careless(_index: int) -> None:
        looked = Payment.objects.get(pk=payment.pk)
        promised = sum(row.amount_minor for row in looked.refunds.exclude(due_at=None))
        both_have_looked.wait(10)
        if looked.refundable_minor - promised >= 1500:
            Refund.objects.create(payment=looked, amount_minor=1500, actor=OPERATOR)

    connection.close()
    assert together(2, careless) == [None, None]
    assert sum(row.amount_minor for row in payment.refunds.all()) > PRICE


@with_commits
def test_many_sweeps_at_once_give_back_once(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    refunds.order(payment.pk, 500, actor=OPERATOR)
    Refund.objects.update(due_at=ago(1))
    before = len(posts(till))
    connection.close()
    assert sorted(together(6, lambda _: refunds.carry_out_due())) == [0, 0, 0, 0, 0, 1]  # type: ignore[type-var]
    assert (len(posts(till)), at_stripe(till, payment)) == (before + 1, [500])
    assert audit.check_snapshot() == []


@with_commits
def test_sweeps_that_only_read_what_is_due_all_ask_stripe_for_it_control(
    till: RunningTill, new_buyer: NewBuyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it is given back once all the same is Stripe's doing, by our key."""
    payment = new_buyer().buys()
    refunds.order(payment.pk, 500, actor=OPERATOR)
    Refund.objects.update(due_at=ago(1))
    before = len(posts(till))
    connection.close()
    everybody_has_read = threading.Barrier(6)

    def read_alone(_row: Refund) -> bool:
        connection.close()
        everybody_has_read.wait(30)
        return True

    monkeypatch.setattr(refunds, "_claim", read_alone)
    together(6, lambda _: refunds.carry_out_due())
    assert (len(posts(till)), at_stripe(till, payment)) == (before + 6, [500])
