"""Automatic top-up that was wished for before a card was saved: the page that saves it puts just that wish in force."""

from collections.abc import Callable

import pytest

from billing import automatic_rules, checkout, stripe_events
from billing.checkout import Saved
from billing.models import AutoTopUp
from tests.billing.stripe.buying import CREDITS, PRICE, Buyer, a_pack, arrives
from tests.billing.stripe.topping_up import a_wish, customer_of, standing, sweep
from tests.makers import ago
from tests.till import Object, RunningTill

pytestmark = pytest.mark.django_db
NewBuyer = Callable[[], Buyer]
DAY_S = 86400


def end_of(till: RunningTill, session_id: str) -> Object:
    """What Stripe tells of the page on which the card was saved."""
    done = till.events("checkout.session.completed")
    return next(event for event in done if event["data"]["object"]["id"] == session_id)


def comes_back(buyer: Buyer, session_id: str) -> Saved:
    return checkout.card_was_saved(buyer.organization, session_id)


def test_a_wish_is_in_force_once_its_page_has_saved_a_card(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    page = a_wish(buyer)
    assert (comes_back(buyer, page), sweep()) == (Saved.NO_CARD, 0)
    till.pay(page)
    assert sweep() == 0
    assert [comes_back(buyer, page) for _ in range(2)] == [Saved.AND_ON] * 2
    assert (sweep(), buyer.wallet()[0]) == (1, CREDITS)


def test_the_event_is_enough_when_the_page_is_closed(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    page = a_wish(buyer)
    till.pay(page)
    event = arrives(end_of(till, page))
    assert stripe_events.process(event)
    rule = AutoTopUp.objects.get()
    assert (standing(rule), comes_back(buyer, page)) == ((True, ""), Saved.AND_ON)
    event.refresh_from_db()
    assert event.processed_at is not None


def test_an_event_waits_in_the_inbox_while_stripe_is_away(till: RunningTill, new_buyer: NewBuyer) -> None:
    page = a_wish(new_buyer())
    till.pay(page)
    event = arrives(end_of(till, page))
    till.behave(down=True)
    assert not stripe_events.process(event)
    till.behave(down=False)
    assert stripe_events.process(event)
    assert AutoTopUp.objects.get().is_on


@pytest.mark.parametrize("told_by", ["event", "page"])
@pytest.mark.parametrize("since", ["changed", "switched off", "a day"])
def test_a_wish_that_is_not_that_any_more_stays_off(
    till: RunningTill, new_buyer: NewBuyer, since: str, told_by: str
) -> None:
    buyer = new_buyer()
    page = a_wish(buyer)
    till.pay(page)
    match since:
        case "changed":
            newer = a_wish(buyer, pack=a_pack(price_minor=PRICE + 1))
        case "switched off":
            automatic_rules.switch_off(buyer.organization.pk)
        case _:
            AutoTopUp.objects.update(armed_at=ago(DAY_S + 1))
    if told_by == "event":
        assert stripe_events.process(arrives(end_of(till, page)))
    else:
        assert comes_back(buyer, page) is Saved.FOR_ANOTHER
    assert not AutoTopUp.objects.get().is_on
    if since == "changed":
        till.pay(newer)
        assert comes_back(buyer, newer) is Saved.AND_ON


def test_a_wish_lasts_for_almost_a_day(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    page = a_wish(buyer)
    till.pay(page)
    AutoTopUp.objects.update(armed_at=ago(DAY_S - 600))
    assert comes_back(buyer, page) is Saved.AND_ON


def test_the_page_of_another_customer_switches_nothing_on(till: RunningTill, new_buyer: NewBuyer) -> None:
    """Also if it bears the same wish, as one of another shop on this account may."""
    buyer, other = new_buyer(), new_buyer()
    mine, page = a_wish(buyer), a_wish(other)
    for session_id in (mine, page):
        till.pay(session_id)
    assert (comes_back(buyer, page), comes_back(other, mine)) == (Saved.FOR_ANOTHER, Saved.FOR_ANOTHER)
    wish = checkout.wish_of(AutoTopUp.objects.get(organization=buyer.organization))
    foreign = setup_of_somebody(till, customer_of(other), wish)
    till.pay(foreign)
    assert comes_back(buyer, foreign) is Saved.FOR_ANOTHER
    assert not AutoTopUp.objects.filter(is_on=True).exists()


@pytest.mark.parametrize("what", ["unknown", "sells", "without a wish"])
def test_what_is_no_page_of_ours_that_saves_a_card_switches_nothing_on(
    till: RunningTill, new_buyer: NewBuyer, what: str
) -> None:
    buyer = new_buyer()
    a_wish(buyer)
    match what:
        case "unknown":
            session_id = "cs_test_unknown"
        case "sells":
            session_id = str(buyer.starts().session_id)
            till.pay(session_id)
        case _:
            session_id = setup_of_somebody(till, customer_of(buyer))
            till.pay(session_id)
            assert stripe_events.process(arrives(end_of(till, session_id)))
    assert comes_back(buyer, session_id) is Saved.FOR_ANOTHER
    assert not AutoTopUp.objects.get().is_on


def test_stripe_is_not_asked_for_the_pages_of_strangers(till: RunningTill, new_buyer: NewBuyer) -> None:
    new_buyer()
    stranger = till.client().v1.customers.create({})
    session_id = setup_of_somebody(till, stranger.id)
    till.pay(session_id)
    event = arrives(end_of(till, session_id))
    before = len(till.log())
    assert stripe_events.process(event)
    assert len(till.log()) == before


def setup_of_somebody(till: RunningTill, customer_id: str, wish: str = "") -> str:
    """As a hand in Stripe's dashboard, or another shop, may open one."""
    session = till.client().v1.checkout.sessions.create(
        {
            "mode": "setup",
            "customer": customer_id,
            "metadata": {"wish": wish} if wish else {},
            "allowed_payment_method_types": ["card"],
            "success_url": "https://elsewhere.example/",
        }
    )
    return session.id
