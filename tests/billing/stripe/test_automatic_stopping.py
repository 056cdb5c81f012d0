"""Automatic top-up that stops itself: nobody is charged again for what they got back, nor without the tax."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from billing import automatic, checkout, ledger, payments
from billing.checkout import Saved
from billing.models import AutoTopUp, Payment, PaymentStatus, StoppedReason
from tests.billing.stripe.buying import CREDITS, PRICE, Buyer, intent_of
from tests.billing.stripe.topping_up import (
    a_rule,
    a_wish,
    change,
    customer_of,
    intents_of,
    mails_to,
    ordered,
    outcomes_of,
    pass_pause,
    purchases_of,
    standing,
    subjects_to,
    sweep,
)
from tests.makers import books_are_right, new_reference
from tests.till import RunningTill

pytestmark = pytest.mark.django_db
NewBuyer = Callable[[], Buyer]
IS_OFF = "Automatic top-up of Buyer is off"
GIVEN_BACK = (False, StoppedReason.GIVEN_BACK)


@pytest.mark.parametrize("how", ["refunded", "refunded in part", "disputed"])
def test_what_is_given_back_is_not_bought_again(till: RunningTill, new_buyer: NewBuyer, how: str) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    sweep()
    payment = purchases_of(rule).get()
    if how == "disputed":
        till.dispute(intent_of(payment))
    else:
        till.refund(intent_of(payment), PRICE if how == "refunded" else PRICE - 100)
    for _ in range(2):
        payments.sync_payment(payment.pk)
        pass_pause(rule)
        assert sweep() == 0
    assert (standing(rule), intents_of(buyer)) == (GIVEN_BACK, ["succeeded"])
    assert subjects_to(buyer) == [IS_OFF]
    [mail] = mails_to(buyer)
    assert "A payment was given back or disputed" in mail.body
    assert "Look at your purchases" in mail.body
    assert "/credits/automatic/" in mail.body
    assert books_are_right()


def test_a_purchase_on_a_page_that_is_given_back_stops_it_as_well(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    """Also one that was ordered and is not charged yet."""
    buyer = new_buyer()
    bought = buyer.buys()
    rule = a_rule(buyer, threshold=CREDITS + 1)
    ordered(rule)
    till.refund(intent_of(bought))
    payments.sync_payment(bought.pk)
    sweep()
    assert (standing(rule), intents_of(buyer)) == (GIVEN_BACK, ["succeeded"])


def test_what_was_given_back_before_we_heard_of_its_charge_is_not_bought_again(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    """No credits came of it, so none are taken back."""
    buyer = new_buyer()
    rule = a_rule(buyer)
    ordered(rule)
    till.behave(lose_answers=1)
    assert sweep() == 0
    [intent] = till.client().v1.payment_intents.list({"customer": customer_of(buyer)}).data
    till.refund(intent.id)
    sweep()
    pass_pause(rule)
    sweep()
    assert (standing(rule), intents_of(buyer), buyer.wallet()[0]) == (GIVEN_BACK, ["succeeded"], 0)


def test_a_dispute_that_is_won_does_not_switch_it_on_again(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    sweep()
    payment = purchases_of(rule).get()
    dispute = till.dispute(intent_of(payment))
    payments.sync_payment(payment.pk)
    till.close_dispute(dispute["id"], "won")
    payments.sync_payment(payment.pk)
    assert (buyer.wallet()[0], standing(rule)) == (CREDITS, GIVEN_BACK)
    assert subjects_to(buyer) == [IS_OFF]


def test_switched_on_again_afterwards_it_buys(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    sweep()
    payment = purchases_of(rule).get()
    till.refund(intent_of(payment))
    payments.sync_payment(payment.pk)
    change(buyer)
    assert standing(rule) == (True, "")
    pass_pause(rule)
    sweep()
    assert (intents_of(buyer), buyer.wallet()[0]) == (["succeeded"] * 2, CREDITS)


def test_what_is_given_back_ends_a_wish_that_waits_for_a_card_and_mails_nobody(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    bought = buyer.buys()
    page = a_wish(buyer)
    till.refund(intent_of(bought))
    payments.sync_payment(bought.pk)
    till.pay(page)
    assert checkout.card_was_saved(buyer.organization, page) is Saved.FOR_ANOTHER
    assert (standing(AutoTopUp.objects.get()), mails_to(buyer)) == (GIVEN_BACK, [])


def test_where_taxes_are_added_it_goes_off_with_a_mail_and_charges_nothing(
    new_buyer: NewBuyer, settings: Settings
) -> None:
    low, rich = new_buyer(), new_buyer()
    rules = [a_rule(low), a_rule(rich)]
    ordered(rules[0])
    ledger.grant(rich.organization.pk, 600, reference=new_reference("manual"), actor="system")
    settings.STRIPE_TAX = True
    for _ in range(2):
        sweep()
    for buyer, rule in zip((low, rich), rules, strict=True):
        assert (standing(rule), intents_of(buyer)) == ((False, StoppedReason.TAX), [])
        assert subjects_to(buyer) == [IS_OFF]
        assert "adds taxes" in mails_to(buyer)[0].body
        assert "switch it on" not in mails_to(buyer)[0].body


def test_where_taxes_are_added_a_look_that_comes_first_charges_nothing(
    new_buyer: NewBuyer, settings: Settings
) -> None:
    ready, low = a_rule(new_buyer()), a_rule(new_buyer())
    ordered(ready)
    settings.STRIPE_TAX = True
    for rule in (ready, low):
        automatic.look(rule.pk)
    assert [payment.status for payment in Payment.objects.all()] == [PaymentStatus.OPEN]
    assert standing(low) == (False, StoppedReason.TAX)


def test_where_taxes_are_added_a_saved_card_switches_nothing_on(
    till: RunningTill, new_buyer: NewBuyer, settings: Settings
) -> None:
    buyer = new_buyer()
    page = a_wish(buyer)
    till.pay(page)
    settings.STRIPE_TAX = True
    assert checkout.card_was_saved(buyer.organization, page) is Saved.FOR_ANOTHER
    assert not AutoTopUp.objects.get().is_on


def test_what_is_left_of_the_test_mode_does_not_stand_in_the_way_for_ever(
    new_buyer: NewBuyer, settings: Settings
) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    ordered(rule)
    purchases_of(rule).update(status=PaymentStatus.PROCESSING, payment_intent_id="pi_left")
    sweep()
    assert outcomes_of(rule) == [(PaymentStatus.PROCESSING, "")], "Its end will be seen"
    settings.STRIPE_LIVEMODE = True
    sweep()
    assert outcomes_of(rule) == [(PaymentStatus.EXPIRED, "other_mode")]
    sweep()
    assert standing(rule) == (False, StoppedReason.NO_CARD)
    assert subjects_to(buyer) == [IS_OFF]
