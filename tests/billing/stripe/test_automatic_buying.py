"""Automatic top-up: off by default, buys once when credits run low, within its cap, with a card and a pack."""

from collections.abc import Callable

import pytest

from accounts.clock import db_now
from accounts.models import Organization, Shop
from billing import automatic, automatic_limits, automatic_rules, ledger, payments, stripe_gateway
from billing.models import AutoTopUp, CreditPack, Payment, PaymentStatus, StoppedReason
from tests.billing.stripe.buying import CREDITS, MICROS, PRICE, Buyer, a_pack, intent_of, owed
from tests.billing.stripe.topping_up import (
    a_rule,
    intents_of,
    mails_to,
    ordered,
    outcomes_of,
    pass_pause,
    purchases_of,
    subjects_to,
    sweep,
)
from tests.makers import ago, books_are_right, new_reference
from tests.till import RunningTill

pytestmark = pytest.mark.django_db
NewBuyer = Callable[[], Buyer]


def test_it_is_off_until_somebody_switches_it_on(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    a_rule(buyer)
    assert not AutoTopUp().is_on
    assert automatic_rules.switch_off(buyer.organization.pk)
    assert not automatic_rules.switch_off(buyer.organization.pk)
    assert (sweep(), Payment.objects.exists()) == (0, False)


def test_below_the_threshold_it_buys_once_and_credits_at_once(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    assert sweep() == 1
    assert buyer.wallet() == (CREDITS, 0, 0, MICROS)
    assert sweep() == 0
    payment = purchases_of(rule).get()
    assert (payment.status, payment.actor, payment.card) == (
        PaymentStatus.PAID,
        buyer.access.actor,
        "Visa …4242",
    )
    assert intents_of(buyer) == ["succeeded"]
    assert mails_to(buyer) == []
    assert books_are_right()


def test_its_receipt_is_the_page_of_its_charge(till: RunningTill, new_buyer: NewBuyer) -> None:
    rule = a_rule(new_buyer())
    sweep()
    url = stripe_gateway.selling.receipt_url(purchases_of(rule).get())
    assert url.startswith(f"{till.base_url}/receipts/")


def test_at_the_threshold_it_buys_nothing(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    a_rule(buyer, threshold=500)
    ledger.grant(buyer.organization.pk, 500, reference=new_reference("manual"), actor="system")
    assert sweep() == 0
    assert not Payment.objects.exists()


def test_it_repays_what_is_owed_first(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    bought = buyer.buys()
    ledger.take(buyer.organization.pk, 400, reference=new_reference("manual"), actor="system")
    till.refund(intent_of(bought))
    payments.sync_payment(bought.pk)
    assert (buyer.wallet()[0], owed(buyer.organization)) == (0, 400)
    a_rule(buyer)
    assert sweep() == 1
    assert buyer.wallet() == (600, 0, 0, MICROS * 600 // CREDITS)
    assert books_are_right()


def test_one_that_buys_too_little_buys_again(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer, threshold=2500)
    for _ in range(5):
        sweep()
        pass_pause(rule)
    assert buyer.wallet()[0] == 3 * CREDITS


def test_its_cap_is_never_passed_and_told_of_once(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer, threshold=100_000, cap_minor=2 * PRICE + 500)
    for _ in range(5):
        sweep()
        pass_pause(rule)
    assert buyer.wallet()[0] == 2 * CREDITS
    assert automatic_limits.spent_this_month(buyer.organization.pk) == 2 * PRICE
    assert subjects_to(buyer) == ["Automatic top-up of Buyer has reached its limit"]
    assert "$40.00 of at most $45.00" in mails_to(buyer)[0].body
    rule.refresh_from_db()
    assert rule.is_on


def test_a_new_month_has_its_own_cap(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer, threshold=100_000, cap_minor=PRICE)
    sweep()
    pass_pause(rule)
    sweep()
    assert buyer.wallet()[0] == CREDITS
    purchases_of(rule).update(created_at=ago(32 * 86400))
    sweep()
    assert buyer.wallet()[0] == 2 * CREDITS


def test_without_a_card_it_goes_off_and_says_so_once(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = automatic_rules.switch_on(buyer.access, threshold=500, pack=a_pack(), cap_minor=None)
    for _ in range(3):
        sweep()
    rule.refresh_from_db()
    assert (rule.is_on, rule.stopped_reason) == (False, StoppedReason.NO_CARD)
    assert not Payment.objects.exists()
    [mail] = mails_to(buyer)
    assert "There is no saved card" in mail.body
    assert "/credits/automatic/" in mail.body


def test_with_a_card_that_was_taken_away_it_goes_off(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    card = automatic.card_of(buyer.organization)
    assert card is not None
    till.client().v1.payment_methods.detach(card.id)
    sweep()
    rule.refresh_from_db()
    assert (rule.is_on, rule.stopped_reason) == (False, StoppedReason.NO_CARD)
    assert len(mails_to(buyer)) == 1


def test_a_card_that_stripe_does_not_know_any_more_fails_the_purchase(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    payment = ordered(rule)
    Payment.objects.filter(pk=payment.pk).update(payment_method_id="pm_unknown")
    sweep()
    assert outcomes_of(rule) == [(PaymentStatus.FAILED, "resource_missing")]
    assert len(mails_to(buyer)) == 1


@pytest.mark.parametrize("fate", ["deactivated", "deleted"])
def test_without_its_pack_it_goes_off_and_says_so_once(new_buyer: NewBuyer, fate: str) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    pack = CreditPack.objects.filter(pk=rule.pack_id or 0)
    if fate == "deleted":
        pack.delete()
    else:
        pack.update(is_active=False)
    for _ in range(3):
        sweep()
    rule.refresh_from_db()
    assert (rule.is_on, rule.stopped_reason) == (False, StoppedReason.NO_PACK)
    assert not Payment.objects.exists()
    [mail] = mails_to(buyer)
    assert "The pack is no longer sold" in mail.body


def test_nothing_is_bought_for_an_organization_that_was_paused(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    a_rule(buyer)
    Organization.objects.filter(pk=buyer.organization.pk).update(suspended_at=db_now())
    assert sweep() == 0
    Organization.objects.filter(pk=buyer.organization.pk).update(suspended_at=None)
    assert sweep() == 1
    assert buyer.wallet()[0] == CREDITS


def test_its_price_is_that_of_the_pack_when_it_buys(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    payment = ordered(rule)
    CreditPack.objects.filter(pk=rule.pack_id or 0).update(credits=1, price_minor=99_00)
    sweep()
    payment.refresh_from_db()
    assert (payment.charged_minor, payment.credited) == (PRICE, CREDITS)
    assert books_are_right()


def test_in_a_currency_that_the_shop_has_left_meanwhile_nothing_is_bought(
    new_buyer: NewBuyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    card_of = automatic.card_of

    def meanwhile(organization: Organization) -> object:
        Shop.objects.filter(pk=organization.shop_id).update(currency="eur")
        return card_of(organization)

    monkeypatch.setattr(automatic, "card_of", meanwhile)
    sweep()
    assert (Payment.objects.count(), intents_of(buyer)) == (0, [])
    sweep()
    rule.refresh_from_db()
    assert (rule.is_on, rule.stopped_reason) == (False, StoppedReason.NO_PACK)


def test_what_has_to_wait_lets_others_go_first(new_buyer: NewBuyer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those over their cap stay low for the rest of the month, and are not all that a sweep looks at."""
    monkeypatch.setattr(automatic, "AT_ONCE", 1)
    first, second = new_buyer(), new_buyer()
    capped = a_rule(first, threshold=100_000, cap_minor=PRICE - 1)
    a_rule(second)
    AutoTopUp.objects.filter(pk=capped.pk).update(due_at=ago(60))
    assert automatic.top_up_all() == 1
    assert second.wallet()[0] == 0
    assert automatic.top_up_all() == 1
    assert second.wallet()[0] == CREDITS
    assert first.wallet()[0] == 0
