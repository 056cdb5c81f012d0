"""Automatic top-up that does not go through: one mail, pauses, an end; never two charges for one purchase."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from accounts.clock import db_now
from accounts.models import AlertKind, OperatorAlert, Organization
from accounts.names import isolated
from billing import automatic, automatic_rules, ledger, payments, stripe_events, stripe_gateway
from billing.models import AutoTopUp, Payment, PaymentStatus, StoppedReason
from billing.stripe_gateway.errors import CardDeclined, StripeAway
from tests.billing.stripe.buying import CREDITS, PRICE, Buyer, arrives, entries_of
from tests.billing.stripe.topping_up import (
    a_rule,
    change,
    customer_of,
    intents_of,
    mails_to,
    ordered,
    outcomes_of,
    pass_pause,
    pass_time,
    purchases_of,
    subjects_to,
    sweep,
    use_card,
)
from tests.makers import books_are_right, new_reference
from tests.till import RunningTill

pytestmark = pytest.mark.django_db
NewBuyer = Callable[[], Buyer]
DID_NOT = "Automatic top-up of Buyer did not go through"
IS_OFF = "Automatic top-up of Buyer is off"
DECLINED = (PaymentStatus.FAILED, "card_declined")


def test_a_decline_is_told_once_with_a_link_and_tried_again_after_pauses(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer, card="declines_later")
    for _ in range(3):
        sweep()
    assert outcomes_of(rule) == [DECLINED]
    assert subjects_to(buyer) == [DID_NOT]
    [mail] = mails_to(buyer)
    assert "was declined" in mail.body
    assert "/credits/" in mail.body

    pass_time(rule, minutes=55)
    sweep()
    assert len(outcomes_of(rule)) == 1
    pass_time(rule, minutes=10)
    sweep()
    assert (len(outcomes_of(rule)), subjects_to(buyer)) == (2, [DID_NOT] * 2)

    pass_time(rule, hours=23)
    sweep()
    assert len(outcomes_of(rule)) == 2
    pass_time(rule, hours=2)
    sweep()
    assert outcomes_of(rule) == [DECLINED] * 3
    assert subjects_to(buyer) == [DID_NOT, DID_NOT, IS_OFF]
    rule.refresh_from_db()
    assert (rule.is_on, rule.stopped_reason) == (False, StoppedReason.DECLINED)

    pass_time(rule, hours=100)
    sweep()
    assert intents_of(buyer) == ["canceled"] * 3
    assert len(mails_to(buyer)) == 3
    assert buyer.wallet()[0] == 0


def test_switching_it_on_again_forgets_the_failures(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer, card="declines_later")
    sweep()
    change(buyer)
    use_card(buyer, "works")
    sweep()
    assert outcomes_of(rule) == [DECLINED, (PaymentStatus.PAID, "")]


def test_a_success_begins_the_count_anew(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer, threshold=5000, card="declines_later")
    sweep()
    pass_time(rule, hours=1)
    use_card(buyer, "works")
    sweep()
    pass_pause(rule)
    use_card(buyer, "declines_later")
    sweep()
    pass_time(rule, hours=1)
    sweep()
    statuses = [status for status, _failure in outcomes_of(rule)]
    assert statuses == [PaymentStatus.FAILED, PaymentStatus.PAID, PaymentStatus.FAILED, PaymentStatus.FAILED]
    rule.refresh_from_db()
    assert rule.is_on


def test_a_bank_that_wants_to_be_asked_is_told_in_its_own_words(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer, card="needs_authentication")
    sweep()
    assert outcomes_of(rule) == [(PaymentStatus.FAILED, "authentication_required")]
    assert intents_of(buyer) == ["canceled"]
    [mail] = mails_to(buyer)
    assert "Your bank wants you to confirm the payment of $20.00" in mail.body
    assert "declined" not in mail.body


@pytest.mark.parametrize("card", ["declines_later", "needs_authentication"])
def test_events_that_tell_of_a_failure_first_change_nothing(
    till: RunningTill, new_buyer: NewBuyer, card: str
) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer, card=card)
    payment = ordered(rule)
    with pytest.raises(CardDeclined):
        stripe_gateway.charging.charge_off_session(
            payment,
            customer_id=customer_of(buyer),
            card_id=payment.payment_method_id,
            title="Tintype: automatic top-up",
        )
    for event in till.events("payment_intent.payment_failed")[-1:]:
        assert stripe_events.process(arrives(event))
    [(status, failure)] = outcomes_of(rule)
    assert (status, failure in ("card_declined", "authentication_required")) == (PaymentStatus.FAILED, True)
    sweep()
    assert (len(outcomes_of(rule)), subjects_to(buyer)) == (1, [DID_NOT])
    assert ("Your bank wants" in mails_to(buyer)[0].body) == (card == "needs_authentication")


# --- Answers that were lost -----------------------------------------------------------------------


def lose_the_answer(till: RunningTill, rule: AutoTopUp) -> None:
    """The card is charged, and we never hear of it."""
    ordered(rule)
    till.behave(lose_answers=1)
    with pytest.raises(StripeAway):
        automatic.look(rule.pk)


def posts(till: RunningTill) -> int:
    return sum(asked["method"] == "POST" and asked["path"] == "/v1/payment_intents" for asked in till.log())


def test_a_lost_answer_is_asked_for_again_and_charged_once(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    lose_the_answer(till, rule)
    assert (intents_of(buyer), buyer.wallet()[0]) == (["succeeded"], 0)
    assert sweep() == 1
    assert (intents_of(buyer), buyer.wallet()[0]) == (["succeeded"], CREDITS)
    assert sweep() == 0
    assert books_are_right()


@pytest.mark.parametrize(
    "why", ["long ago", "switched off", "switched off and on", "changed", "paused", "no longer low"]
)
def test_a_charge_that_we_did_not_hear_of_is_found_and_credited(
    till: RunningTill, new_buyer: NewBuyer, why: str
) -> None:
    """As after a kill between the charge and its row: it is looked for, and nothing more is charged."""
    buyer = new_buyer()
    rule = a_rule(buyer)
    lose_the_answer(till, rule)
    expected = CREDITS
    match why:
        case "long ago":
            pass_time(rule, minutes=61)
        case "switched off":
            automatic_rules.switch_off(buyer.organization.pk)
        case "switched off and on":
            automatic_rules.switch_off(buyer.organization.pk)
            change(buyer)
        case "changed":
            change(buyer, price_minor=PRICE + 1)
        case "paused":
            Organization.objects.filter(pk=buyer.organization.pk).update(suspended_at=db_now())
        case _:
            ledger.grant(buyer.organization.pk, 600, reference=new_reference("manual"), actor="system")
            expected += 600
    before = posts(till)
    assert sweep() == 1
    assert (posts(till), intents_of(buyer), buyer.wallet()[0]) == (before, ["succeeded"], expected)
    assert [status for status, _ in outcomes_of(rule)] == [PaymentStatus.PAID]
    assert sweep() == 0
    assert books_are_right()


def test_the_event_of_a_charge_we_did_not_hear_of_credits_it(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    lose_the_answer(till, rule)
    [event] = till.events("payment_intent.succeeded")[-1:]
    assert stripe_events.process(arrives(event))
    assert buyer.wallet()[0] == CREDITS
    sweep()
    assert (intents_of(buyer), entries_of(purchases_of(rule).get())) == (["succeeded"], 1)
    assert books_are_right()


def test_a_purchase_that_never_reached_stripe_is_given_up_and_made_anew(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    """It is nobody's decline, so nobody is told and nothing waits."""
    buyer = new_buyer()
    rule = a_rule(buyer)
    ordered(rule)
    pass_time(rule, minutes=61)
    sweep()
    assert outcomes_of(rule) == [(PaymentStatus.OPEN, "")]  # a request may still be on its way
    pass_time(rule, minutes=10)
    sweep()
    assert outcomes_of(rule) == [(PaymentStatus.EXPIRED, "never_begun")]
    sweep()
    assert outcomes_of(rule)[1:] == [(PaymentStatus.PAID, "")]
    assert (intents_of(buyer), mails_to(buyer)) == (["succeeded"], [])


def test_one_whose_event_comes_as_it_is_given_up_is_credited(
    new_buyer: NewBuyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    payment = ordered(rule)
    intent_id = stripe_gateway.charging.charge_off_session(
        payment, customer_id=customer_of(buyer), card_id=payment.payment_method_id, title="Charged"
    )
    pass_time(rule, minutes=70)

    def an_event_tells(one: Payment) -> None:
        """Stripe's list does not have it yet."""
        Payment.objects.filter(pk=one.pk, payment_intent_id=None).update(payment_intent_id=intent_id)

    monkeypatch.setattr(stripe_gateway.charging, "find_intent", an_event_tells)
    sweep()
    payments.sync_payment(payment.pk)
    assert outcomes_of(rule) == [(PaymentStatus.PAID, "")]
    assert buyer.wallet()[0] == CREDITS


def test_one_that_is_switched_off_before_the_charge_is_not_charged(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    ordered(rule)
    automatic_rules.switch_off(buyer.organization.pk)
    sweep()
    assert intents_of(buyer) == []
    pass_time(rule, minutes=70)
    sweep()
    assert outcomes_of(rule) == [(PaymentStatus.EXPIRED, "never_begun")]
    assert (sweep(), intents_of(buyer), mails_to(buyer)) == (0, [], [])


@pytest.mark.parametrize("price_minor", [PRICE, PRICE + 1])
def test_one_that_was_ordered_before_a_change_is_not_charged_after_it(
    new_buyer: NewBuyer, price_minor: int
) -> None:
    """Also when it was switched off and on again with the same wishes: only that was wished again."""
    buyer = new_buyer()
    rule = a_rule(buyer)
    ordered(rule)
    automatic_rules.switch_off(buyer.organization.pk)
    change(buyer, price_minor=price_minor)
    sweep()
    assert intents_of(buyer) == []
    pass_time(rule, minutes=70)
    sweep()
    assert outcomes_of(rule) == [(PaymentStatus.EXPIRED, "never_begun")]
    sweep()
    assert (intents_of(buyer), purchases_of(rule).latest("pk").charged_minor) == (["succeeded"], price_minor)


def test_a_sweep_that_read_the_rule_before_a_change_orders_nothing(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    late = a_rule(buyer)
    change(buyer)
    with pytest.raises(automatic._NotNow):
        ordered(late)


# --- Stripe that is away, or refuses ----------------------------------------------------------------


def test_while_stripe_is_away_nothing_is_lost_and_nobody_is_mailed(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    till.behave(down=True)
    assert sweep() == 0
    asked = len(till.log())
    assert automatic.top_up_all() == 0
    assert len(till.log()) == asked, "it is left alone for a minute"
    till.behave(down=False)
    assert sweep() == 1
    assert (buyer.wallet()[0], mails_to(buyer)) == (CREDITS, [])
    rule.refresh_from_db()
    assert rule.tries == 0


def test_a_charge_that_could_not_be_looked_at_is_due_at_once(till: RunningTill, new_buyer: NewBuyer) -> None:
    """Not in an hour: the card has been charged."""
    buyer = new_buyer()
    rule = a_rule(buyer)
    payment = ordered(rule)
    till.behave(down=True)
    with pytest.raises(StripeAway):
        automatic._credit(payment, "pi_unknown")
    assert purchases_of(rule).filter(pk=payment.pk, sync_due_at__lte=db_now()).exists()


def test_operators_are_told_once_when_stripe_goes_on_refusing(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    till.behave(forbidden="payment_intents")
    told = []
    for _ in range(5):
        assert sweep() == 0
        told.append(OperatorAlert.objects.filter(kind=AlertKind.PAYMENT).count())
    assert told == [0, 0, 1, 1, 1]
    alert = OperatorAlert.objects.get()
    assert alert.subject == f"Stripe refuses the automatic top-up of {isolated(buyer.organization.name)}"
    assert "STRIPE_SECRET_KEY" in alert.body
    till.behave(reset=True)
    assert sweep() == 1
    rule.refresh_from_db()
    assert (rule.refusals, buyer.wallet()[0], mails_to(buyer)) == (0, CREDITS, [])


def test_refusals_with_a_charge_between_them_are_not_in_a_row(till: RunningTill, new_buyer: NewBuyer) -> None:
    rule = a_rule(new_buyer(), threshold=5000)
    for _ in range(2):
        till.behave(forbidden="payment_intents")
        sweep()
        sweep()
        till.behave(reset=True)
        assert sweep() == 1
        pass_pause(rule)
    assert not OperatorAlert.objects.exists()


def test_without_stripe_it_does_nothing(new_buyer: NewBuyer, settings: Settings) -> None:
    a_rule(new_buyer())
    settings.STRIPE_SECRET_KEY = ""
    assert sweep() == 0


def test_a_key_that_is_no_good_is_counted_against_nobody(
    till: RunningTill, new_buyer: NewBuyer, settings: Settings
) -> None:
    rules = [a_rule(new_buyer()) for _ in range(2)]
    settings.STRIPE_SECRET_KEY = "sk_test_of_another"
    for _ in range(4):
        assert sweep() == 0
    for rule in rules:
        rule.refresh_from_db()
    assert [rule.refusals for rule in rules] == [0, 0]
    settings.STRIPE_SECRET_KEY = till.secret_key
    sweep()
    assert sum(purchases_of(rule).filter(status="paid").count() for rule in rules) >= 1
