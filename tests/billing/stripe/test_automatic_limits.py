"""How fast automatic top-up may buy, whatever it is set to: pauses between purchases, and a number for a day."""

import datetime
from collections.abc import Callable

import pytest
from pytest_django import Settings

from billing.models import AutoTopUp, CreditPack
from tests.billing.stripe.buying import CREDITS, Buyer
from tests.billing.stripe.topping_up import (
    a_rule,
    intents_of,
    mails_to,
    pass_pause,
    purchases_of,
    standing,
    subjects_to,
    sweep,
)
from tests.makers import ago
from tests.till import RunningTill

pytestmark = pytest.mark.django_db
NewBuyer = Callable[[], Buyer]
LONG_AGO = datetime.date(2000, 1, 1)
WAITS = "Automatic top-up of Buyer waits until tomorrow"


def test_ten_minutes_lie_between_a_paid_purchase_and_the_next(till: RunningTill, new_buyer: NewBuyer) -> None:
    """Until then Stripe is not even asked for the card."""
    buyer = new_buyer()
    rule = a_rule(buyer, threshold=5000)
    for passed, bought in ((0, 1), (9, 1), (2, 2)):
        if passed:
            pass_pause(rule, minutes=passed)
        sweep()
        asked = len(till.log())
        sweep()
        assert len(till.log()) == asked
        assert len(intents_of(buyer)) == bought
    assert mails_to(buyer) == []


def test_a_pack_that_shrinks_afterwards_is_not_bought_in_a_row(
    till: RunningTill, new_buyer: NewBuyer, settings: Settings
) -> None:
    settings.AUTOMATIC_PER_DAY = 2
    buyer = new_buyer()
    rule = a_rule(buyer)
    CreditPack.objects.filter(pk=rule.pack_id or 0).update(credits=1)
    sweep()
    sweep()
    assert buyer.wallet()[0] == 1
    for _ in range(3):
        pass_pause(rule)
        sweep()
    assert (buyer.wallet()[0], len(intents_of(buyer))) == (2, 2)
    assert subjects_to(buyer) == [WAITS]
    assert "2 purchases were made by themselves today" in mails_to(buyer)[0].body
    assert standing(rule) == (True, "")


def test_the_next_day_has_its_own_number_and_its_own_mail(new_buyer: NewBuyer, settings: Settings) -> None:
    settings.AUTOMATIC_PER_DAY = 1
    buyer = new_buyer()
    rule = a_rule(buyer, threshold=5000)
    for days in (1, 2):
        for _ in range(3):
            sweep()
            pass_pause(rule)
        assert buyer.wallet()[0] == days * CREDITS
        assert subjects_to(buyer) == [WAITS] * days
        purchases_of(rule).update(created_at=ago(86400))
        AutoTopUp.objects.update(told_day=LONG_AGO)
