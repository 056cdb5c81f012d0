"""The books agree with Stripe after every look, whatever has happened there."""

from collections.abc import Callable

import pytest

from accounts.models import AlertKind, OperatorAlert
from billing import ledger, payments
from billing.errors import PaymentOwed
from billing.models import Payment, PaymentStatus
from billing.stripe_gateway.errors import StripeAway, StripeRefused
from generations.models import Generation
from tests.billing.stripe.buying import CREDITS, MICROS, PRICE, Buyer, entries_of, intent_of, steps_of
from tests.makers import a_generation, an_access, books_are_right
from tests.till import RunningTill

pytestmark = pytest.mark.django_db
NewBuyer = Callable[[], Buyer]


def synced(payment: Payment) -> Payment:
    return payments.sync_payment(payment.pk)


# --- Paying -------------------------------------------------------------------------------------


def test_a_paid_checkout_credits_once_however_often_it_is_looked_at(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    for _ in range(3):
        payment = synced(payment)
    assert payment.status == PaymentStatus.PAID
    assert payment.paid_at is not None
    assert payment.charged_minor == PRICE
    assert payment.card.startswith("Visa …")
    assert buyer.wallet() == (CREDITS, 0, 0, MICROS)
    assert (steps_of(payment), entries_of(payment)) == ([CREDITS], 1)
    assert books_are_right()


def test_an_open_checkout_credits_nothing_and_is_looked_at_again(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = synced(buyer.starts())
    assert (payment.status, payment.credited) == (PaymentStatus.OPEN, 0)
    assert payment.sync_due_at is not None
    assert buyer.wallet() == (0, 0, 0, 0)


def test_an_expired_checkout_is_given_up(till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().starts()
    till.expire(str(payment.session_id))
    payment = synced(payment)
    assert (payment.status, payment.sync_due_at, payment.credited) == (PaymentStatus.EXPIRED, None, 0)


def test_a_bank_transfer_credits_when_it_arrives(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.starts()
    till.pay_by_bank(str(payment.session_id))
    payment = synced(payment)
    assert (payment.status, payment.credited, payment.charged_minor) == (PaymentStatus.PROCESSING, 0, 0)
    till.bank_arrives(str(payment.session_id))
    payment = synced(payment)
    assert (payment.status, payment.credited) == (PaymentStatus.PAID, CREDITS)
    assert buyer.wallet() == (CREDITS, 0, 0, MICROS)


def test_a_bank_transfer_that_fails_credits_nothing(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.starts()
    till.pay_by_bank(str(payment.session_id))
    synced(payment)
    till.bank_fails(str(payment.session_id))
    payment = synced(payment)
    assert (payment.status, payment.credited, payment.sync_due_at) == (PaymentStatus.FAILED, 0, None)
    assert buyer.wallet() == (0, 0, 0, 0)


def test_a_free_checkout_credits_in_full_and_carries_no_value(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.buys(promotion_code="FREE")
    assert (payment.status, payment.charged_minor, payment.discount_minor) == (PaymentStatus.PAID, 0, PRICE)
    assert buyer.wallet() == (CREDITS, 0, 0, 0)
    assert books_are_right()


def test_a_sale_with_tax_and_a_discount_credits_in_full(new_buyer: NewBuyer, settings: object) -> None:
    settings.STRIPE_TAX = True  # type: ignore[attr-defined]
    buyer = new_buyer()
    payment = buyer.buys(promotion_code="HALF")
    half = PRICE // 2
    tax = half * 19 // 100
    assert (payment.charged_minor, payment.tax_minor, payment.discount_minor) == (half + tax, tax, half)
    assert buyer.wallet() == (CREDITS, 0, 0, half * 10_000), "Tax is nobody's income"
    synced(payment)
    assert buyer.wallet() == (CREDITS, 0, 0, half * 10_000)


# --- Giving back, disputes ------------------------------------------------------------------------


def test_two_partial_refunds_then_a_dispute_of_the_rest_that_is_won(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    intent = intent_of(payment)
    till.refund(intent, 500)
    assert synced(payment).credited == 750
    till.refund(intent, 300)
    assert synced(payment).credited == 600
    dispute = till.dispute(intent)
    disputed = synced(payment)
    assert (disputed.refunded_minor, disputed.disputed_minor, disputed.credited) == (800, 1200, 0)
    assert buyer.wallet() == (0, 0, 0, 0)
    till.close_dispute(dispute["id"], "won")
    won = synced(payment)
    assert (won.disputed_minor, won.credited) == (0, 600)
    assert buyer.wallet() == (600, 0, 0, 1200 * 10_000)
    assert steps_of(payment) == [1000, -250, -150, -600, 600]
    assert entries_of(payment) == 5
    assert books_are_right()


def test_a_lost_dispute_takes_the_credits_for_good(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    dispute = till.dispute(intent_of(payment))
    synced(payment)
    till.close_dispute(dispute["id"], "lost")
    assert synced(payment).credited == 0
    assert steps_of(payment) == [CREDITS, -CREDITS]


def test_an_inquiry_takes_nothing_until_it_becomes_a_dispute(till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().buys()
    inquiry = till.dispute(intent_of(payment), status="warning_needs_response")
    assert synced(payment).credited == CREDITS
    till.escalate_dispute(inquiry["id"])
    assert synced(payment).credited == 0


def test_a_refund_that_the_bank_sends_back_returns_the_credits(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    payment = new_buyer().buys()
    refund = till.refund(intent_of(payment))
    assert synced(payment).credited == 0
    till.fail_refund(refund["id"])
    assert synced(payment).credited == CREDITS
    assert steps_of(payment) == [CREDITS, -CREDITS, CREDITS]


def test_a_refund_of_a_cent_takes_the_credit_that_is_no_longer_paid(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    payment = new_buyer().buys()
    till.refund(intent_of(payment), 1)
    assert synced(payment).credited == CREDITS - 1, "Rounded down: no part of a credit is given away"


def test_refunded_after_it_was_spent_is_owed_until_the_next_top_up_repays(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    ledger.take(buyer.organization.pk, 700, reference="manual:spent", actor="system")
    till.refund(intent_of(payment))
    synced(payment)
    assert buyer.wallet()[:3] == (0, 0, 700)
    with pytest.raises(PaymentOwed) as refusal:
        a_generation(an_access(buyer.organization))
    assert refusal.value.status == 402
    assert not Generation.objects.filter(organization=buyer.organization).exists()
    buyer.buys(credits=1000, price_minor=1000)
    assert buyer.wallet() == (300, 0, 0, 300 * 10_000), "The share that repays is income at once"
    a_generation(an_access(buyer.organization))
    assert books_are_right()


# --- Stripe away ----------------------------------------------------------------------------------


def test_while_stripe_is_away_nothing_changes_and_nothing_is_lost(
    new_buyer: NewBuyer, till: RunningTill
) -> None:
    buyer = new_buyer()
    payment = buyer.starts()
    till.pay(str(payment.session_id))
    till.behave(down=True)
    with pytest.raises(StripeAway):
        synced(payment)
    assert buyer.wallet() == (0, 0, 0, 0)
    till.behave(reset=True)
    assert synced(payment).credited == CREDITS


def test_a_sweep_looks_at_what_is_due_and_later_again_when_stripe_was_away(
    new_buyer: NewBuyer, till: RunningTill
) -> None:
    buyer = new_buyer()
    payment = buyer.starts()
    till.pay(str(payment.session_id))
    payments.want_sync(payment.pk)
    till.behave(down=True)
    assert payments.sync_due() == 0
    assert payments.sync_due() == 0, "Not again before its pause is over"
    till.behave(reset=True)
    payments.want_sync(payment.pk)
    assert payments.sync_due() == 1
    payment.refresh_from_db()
    assert (payment.sync_due_at, payment.sync_tries, payment.credited) == (None, 0, CREDITS)


def test_a_session_that_stripe_does_not_know_is_told_to_operators_once(new_buyer: NewBuyer) -> None:
    payment = new_buyer().starts()
    Payment.objects.filter(pk=payment.pk).update(session_id="cs_test_of_another_account")
    with pytest.raises(StripeRefused):
        synced(payment)
    for tries in range(6):
        payment.sync_tries = tries
        assert not payments.try_sync(payment)
    alert = OperatorAlert.objects.get(kind=AlertKind.PAYMENT)
    assert "STRIPE_SECRET_KEY" in alert.body


# --- Looks that overlap -----------------------------------------------------------------------------


def test_of_two_looks_that_overlap_the_later_one_is_right(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    slow = payments.begin(payment.pk)
    old_facts = payments.ask(slow)
    till.refund(intent_of(payment))
    assert synced(payment).credited == 0
    after = payments.apply(slow, old_facts)
    assert (after.credited, buyer.wallet()) == (0, (0, 0, 0, 0))
    assert steps_of(payment) == [CREDITS, -CREDITS]


def test_without_its_number_the_slow_look_would_bring_the_past_back_control(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    slow = payments.begin(payment.pk)
    old_facts = payments.ask(slow)
    till.refund(intent_of(payment))
    synced(payment)
    slow.sync_no = payments.begin(payment.pk).sync_no  # as if it had begun last
    payments.apply(slow, old_facts)
    assert buyer.wallet()[0] == CREDITS, "Given back, and still to be spent"


def test_a_wish_to_look_that_comes_during_a_look_stands(till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().buys()
    looked = payments.begin(payment.pk)
    facts = payments.ask(looked)
    till.refund(intent_of(payment))
    payments.want_sync(payment.pk)
    payments.apply(looked, facts)
    assert payments.sync_due() == 1
    payment.refresh_from_db()
    assert payment.credited == 0
