"""Automatic top-ups with many sweeps at once. Each race has a control that shows it without the guard."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import Organization
from billing import audit, automatic, automatic_limits
from billing.models import AutoTopUp
from tests.billing.stripe.buying import CREDITS, PRICE, Buyer
from tests.billing.stripe.topping_up import a_rule, intents_of, ordered, pass_pause, sweep
from tests.makers import ago
from tests.threads import together

pytestmark = pytest.mark.usefixtures("committed_db")
NewBuyer = Callable[[], Buyer]
SWEEPS = 8
CONSTRAINT = "one_automatic_top_up_at_a_time"


def look(rule: AutoTopUp) -> None:
    """As a sweep whose claim is over: what it read may be of long ago."""
    automatic.look(rule.pk)


def at_once(work: Callable[[], object]) -> list[object]:
    connection.close()  # the pool is for those who race
    return [outcome for outcome in together(SWEEPS, lambda _: work()) if isinstance(outcome, Exception)]


@contextmanager
def without_the_constraint() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {CONSTRAINT}")
    yield
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE UNIQUE INDEX {CONSTRAINT} ON billing_payment (organization_id)"
            " WHERE kind = 'automatic' AND status IN ('open', 'processing')"
        )


def test_eight_sweeps_buy_once(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    a_rule(buyer)
    AutoTopUp.objects.update(due_at=ago(1))
    assert at_once(automatic.top_up_all) == []
    assert (intents_of(buyer), buyer.wallet()[0]) == (["succeeded"], CREDITS)
    assert audit.check_snapshot() == []


def test_eight_looks_whose_claims_are_over_buy_once(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    at_once(lambda: look(rule))  # some are told that the same request is being answered
    sweep()
    assert (intents_of(buyer), buyer.wallet()[0]) == (["succeeded"], CREDITS)
    assert audit.check_snapshot() == []


def test_without_the_constraint_they_buy_several_times(
    new_buyer: NewBuyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer, threshold=100_000)
    card_of, all_have_looked = automatic.card_of, threading.Barrier(SWEEPS)

    def card_when_all_have_looked(organization: Organization) -> object:
        card = card_of(organization)
        all_have_looked.wait(30)
        return card

    monkeypatch.setattr(automatic, "card_of", card_when_all_have_looked)
    monkeypatch.setattr(automatic_limits, "has_just_bought", lambda _organization_id: False)
    with without_the_constraint():
        at_once(lambda: look(rule))
    assert len(intents_of(buyer)) == SWEEPS


def test_a_sweep_that_is_late_sees_what_another_has_bought(new_buyer: NewBuyer) -> None:
    """It found the wallet low, and its card; meanwhile another bought, was credited, and nothing is under way."""
    buyer = new_buyer()
    late = a_rule(buyer)
    assert sweep() == 1
    with pytest.raises(automatic._NotNow):
        ordered(late)
    assert intents_of(buyer) == ["succeeded"]


def test_a_sweep_that_is_late_sees_what_another_has_spent(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    late = a_rule(buyer, threshold=100_000, cap_minor=PRICE)
    assert sweep() == 1
    pass_pause(late)
    with pytest.raises(automatic._NotNow):
        ordered(late)
    assert intents_of(buyer) == ["succeeded"]


def test_one_who_only_looked_before_ordering_would_buy_twice_and_pass_the_cap(
    new_buyer: NewBuyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = new_buyer()
    late = a_rule(buyer, threshold=100_000, cap_minor=PRICE)
    assert sweep() == 1
    pass_pause(late)
    monkeypatch.setattr(
        automatic_limits, "spent_this_month", lambda _organization_id: 0
    )  # as it was read before
    ordered(late)
    sweep()
    assert len(intents_of(buyer)) == 2


def test_a_sweep_that_is_late_waits_for_the_pause_of_what_another_has_bought(
    new_buyer: NewBuyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = new_buyer()
    late = a_rule(buyer, threshold=100_000)
    assert sweep() == 1
    with pytest.raises(automatic._NotNow):
        ordered(late)
    with monkeypatch.context() as before:  # who only looked before ordering would buy twice
        before.setattr(automatic_limits, "has_just_bought", lambda _organization_id: False)
        ordered(late)


def test_a_sweep_that_is_late_counts_what_another_has_bought_today(
    new_buyer: NewBuyer, settings: Settings
) -> None:
    late = a_rule(new_buyer(), threshold=100_000)
    assert sweep() == 1
    pass_pause(late)
    settings.AUTOMATIC_PER_DAY = 1
    with pytest.raises(automatic._NotNow):
        ordered(late)
    settings.AUTOMATIC_PER_DAY = 2
    ordered(late)


def test_eight_looks_at_a_rule_that_stays_low_buy_once_until_the_pause_is_over(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer, threshold=100_000)
    for bought in (1, 2):
        for _ in range(2):
            at_once(lambda: look(rule))
        assert intents_of(buyer) == ["succeeded"] * bought
        pass_pause(rule)


def test_the_cap_holds_with_many_sweeps(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer, threshold=100_000, cap_minor=2 * PRICE)
    for _ in range(4):
        at_once(lambda: look(rule))
        pass_pause(rule)
    sweep()
    assert (intents_of(buyer), buyer.wallet()[0]) == (["succeeded"] * 2, 2 * CREDITS)
    assert audit.check_snapshot() == []
