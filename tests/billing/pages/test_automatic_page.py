"""Automatic top-up as people set it: with a card, without one, badly, and off."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import AuditEvent
from billing.models import AutoTopUp, CreditPack, StoppedReason, StripeCustomer
from tests.billing.pages.steps import buy, choose, smallest
from tests.cast import Person, give_credits
from tests.makers import a_payment, ago
from tests.pages import browser_of, text_of
from tests.till import RunningTill

PATH = "/credits/automatic/"
NOT_THIS = "That page does not belong to what is set here now, so nothing was changed."


@pytest.fixture
def client(alice: Person, till: RunningTill) -> Client:
    return browser_of(alice)


@pytest.fixture
def with_card(alice: Person, client: Client, till: RunningTill) -> Client:
    """Of a customer whose card is saved."""
    choose(client)
    till.use_card(StripeCustomer.objects.get(organization=alice.organization).customer_id, "works")
    return client


def setup_page(response: Any) -> str:
    """The session that a form without a card leads to."""
    return str(response["Location"]).rpartition("/")[2]


def come_back(client: Client, session_id: str) -> Any:
    """As Stripe's page leads back."""
    return client.get("/credits/automatic/on/", {"session_id": session_id}, follow=True)


def wish(**changes: object) -> dict[str, object]:
    return {"threshold": 500, "pack": smallest().pk, "cap": ""} | changes


def test_it_is_off_until_somebody_switches_it_on(client: Client) -> None:
    assert "Off. It buys a pack with your saved card before credits run out." in text_of(
        client.get("/credits/")
    )
    words = text_of(client.get(PATH))
    assert "You have 1,500 credits now." in words
    assert "Small: 3,750 credits for $5.00" in words
    assert "No card is saved yet: you are led to a page that saves one and charges nothing." in words
    assert not AutoTopUp.objects.exists()


def test_with_a_saved_card_it_is_on_at_once(with_card: Client, alice: Person) -> None:
    assert "It charges your Visa that ends in 4242." in text_of(with_card.get(PATH))
    words = text_of(with_card.post(PATH, wish(cap=50), follow=True))
    assert "Automatic top-up is on." in words
    assert "the first purchase follows at once" not in words
    assert "On: below 500 credits, Small is bought for $5.00." in words
    rule = AutoTopUp.objects.get()
    assert (rule.is_on, rule.threshold, rule.pack, rule.cap_minor) == (True, 500, smallest(), 5000)
    assert rule.actor == f"user:{alice.user.uuid}"


def test_who_is_below_the_threshold_is_told_that_it_buys_at_once(with_card: Client) -> None:
    words = text_of(with_card.post(PATH, wish(threshold=2000), follow=True))
    assert "You have fewer credits than that now, so the first purchase follows at once." in words


def test_without_a_card_one_is_saved_first(client: Client, till: RunningTill) -> None:
    response = client.post(PATH, wish())
    session_id = re.fullmatch(rf"{till.base_url}/pay/(cs_test_\w+)", response["Location"])
    assert session_id
    rule = AutoTopUp.objects.get()
    assert (rule.is_on, rule.waits_for_card) == (False, True)
    assert "Off. It buys" in text_of(client.get("/credits/"))
    till.pay(session_id[1])
    for _ in range(2):  # it may be loaded again
        words = text_of(come_back(client, session_id[1]))
        assert "Automatic top-up is on." in words
    rule.refresh_from_db()
    assert (rule.is_on, rule.waits_for_card) == (True, False)
    recorded = AuditEvent.objects.filter(action="billing_changed").order_by("pk")
    assert [event.details["automatic_top_up"] for event in recorded] == ["waits_for_card", "on"]


def test_who_comes_back_without_a_card_hears_that_it_stays_off(client: Client, till: RunningTill) -> None:
    session_id = setup_page(client.post(PATH, wish()))
    words = text_of(come_back(client, session_id))
    assert "No card was saved, so automatic top-up stays off." in words
    till.behave(down=True)
    response = come_back(client, session_id)
    assert response.status_code == 503
    assert "We cannot see your card yet." in text_of(response)
    assert not AutoTopUp.objects.get().is_on


@pytest.mark.parametrize("sent", ["", "cs_test_unknown", "\x00", "a/b"])
def test_coming_back_from_nowhere_changes_nothing_and_says_so(
    client: Client, till: RunningTill, sent: str
) -> None:
    till.pay(setup_page(client.post(PATH, wish())))
    assert NOT_THIS in text_of(come_back(client, sent))
    assert not AutoTopUp.objects.get().is_on


@pytest.mark.parametrize("since", ["changed", "off", "of somebody else"])
def test_coming_back_from_the_page_of_another_wish_changes_nothing_and_says_so(
    client: Client, charlie: Person, till: RunningTill, since: str
) -> None:
    session_id = setup_page(client.post(PATH, wish()))
    if since == "changed":
        client.post(PATH, wish(threshold=700))
    elif since == "off":
        client.post(f"{PATH}off/")
    till.pay(session_id)
    visitor = browser_of(charlie) if since == "of somebody else" else client
    assert NOT_THIS in text_of(come_back(visitor, session_id))
    assert not AutoTopUp.objects.get().is_on


def test_where_taxes_are_added_it_cannot_be_switched_on_and_the_page_says_why(
    with_card: Client, settings: Settings
) -> None:
    settings.STRIPE_TAX = True
    for response, status in ((with_card.get(PATH), 200), (with_card.post(PATH, wish()), 400)):
        assert response.status_code == status
        words = text_of(response)
        assert "This shop adds taxes, which it can only do on the page where you pay." in words
        assert "When fewer credits are left than" not in words
    assert not AutoTopUp.objects.exists()


def test_a_threshold_may_be_what_the_pack_brings_with_its_bonus(with_card: Client) -> None:
    CreditPack.objects.filter(pk=smallest().pk).update(bonus=50)
    assert with_card.post(PATH, wish(threshold=3801)).status_code == 400
    assert with_card.post(PATH, wish(threshold=3800)).status_code == 302


def test_who_has_just_bought_is_not_promised_the_next_purchase_at_once(
    with_card: Client, alice: Person
) -> None:
    a_payment(alice.organization, kind="automatic", status="paid", payment_intent_id="pi_1", paid_at=ago(60))
    words = text_of(with_card.post(PATH, wish(threshold=2000), follow=True))
    assert "so the next purchase follows in some minutes." in words


def test_it_is_changed_and_switched_off(with_card: Client) -> None:
    with_card.post(PATH, wish(cap=50))
    html = with_card.get(PATH).content.decode()
    assert (
        'name="threshold" inputmode="numeric" autocomplete="off" maxlength="12" required value="500"' in html
    )
    assert 'maxlength="12" value="50"' in html
    with_card.post(PATH, wish(threshold=800))
    rule = AutoTopUp.objects.get()
    assert (rule.threshold, rule.cap_minor) == (800, None)
    words = text_of(with_card.post(f"{PATH}off/", follow=True))
    assert "Automatic top-up is off. Nothing more is charged by itself." in words
    assert not AutoTopUp.objects.get().is_on


@pytest.mark.parametrize(
    ("field", "sent", "says"),
    [
        ("threshold", "", "This field is required."),
        ("threshold", "0", "greater than or equal to 1"),
        ("threshold", "9" * 30, "less than or equal to"),
        ("threshold", "3751", "That is more than this pack brings, 3,750 credits"),
        ("threshold", "many", "A whole number of credits."),
        ("threshold", "1.5", "A whole number of credits."),
        ("threshold", "\x00", "A whole number of credits."),
        ("pack", "", "This field is required."),
        ("pack", "x", "This pack is no longer sold; choose another."),
        ("pack", "9" * 30, "This pack is no longer sold; choose another."),
        ("pack", "\x00", "Null characters are not allowed."),
        ("cap", "4", "That is less than one purchase costs."),
        ("cap", "ten", "A whole amount, or nothing for no limit."),
        ("cap", "-5", "greater than or equal to 1"),
    ],
)
def test_bad_entry_is_named_beside_its_field_and_kept(
    with_card: Client, field: str, sent: str, says: str
) -> None:
    response = with_card.post(PATH, wish(**{field: sent}))
    assert response.status_code == 400
    html = response.content.decode()
    problem = re.search(rf'id="{field}-problem">([^<]+)<', html)
    assert problem, html
    assert says in problem[1]
    assert f'aria-describedby="{field}-problem' in html
    if field != "pack" and sent.isprintable():
        assert f'value="{sent}"' in html
    assert not AutoTopUp.objects.exists()


def test_pack_that_is_no_longer_sold_cannot_be_chosen(with_card: Client) -> None:
    pack = smallest()
    CreditPack.objects.filter(pk=pack.pk).update(is_active=False)
    assert with_card.post(PATH, wish(pack=pack.pk)).status_code == 400


def test_rule_whose_pack_is_gone_says_so(with_card: Client) -> None:
    with_card.post(PATH, wish())
    smallest().delete()
    assert "On, but its pack is no longer sold: choose another." in text_of(with_card.get("/credits/"))
    assert with_card.get(PATH).status_code == 200


@pytest.mark.parametrize("reason", list(StoppedReason))
def test_why_it_switched_itself_off_is_said_until_it_is_on_again(
    with_card: Client, reason: StoppedReason
) -> None:
    with_card.post(PATH, wish())
    AutoTopUp.objects.update(is_on=False, stopped_reason=reason)
    says = f"It has switched itself off: {reason.label}."
    assert says in text_of(with_card.get("/credits/"))
    assert says in text_of(with_card.get(PATH))
    with_card.post(PATH, wish())
    assert says not in text_of(with_card.get("/credits/"))


def test_while_stripe_is_away_it_says_so_and_keeps_what_was_typed(
    with_card: Client, till: RunningTill
) -> None:
    till.behave(down=True)
    response = with_card.post(PATH, wish(threshold=777))
    assert response.status_code == 503
    words = text_of(response)
    assert "Payments are not possible at the moment." in words
    assert "No card is saved yet" not in words, "that is not known"
    assert 'value="777"' in response.content.decode()
    assert not AutoTopUp.objects.exists()
    assert with_card.get(PATH).status_code == 503
    assert with_card.post(f"{PATH}off/").status_code == 302


def test_stripe_is_not_asked_without_end(client: Client) -> None:
    answers = [client.get(PATH).status_code for _ in range(13)]
    assert answers == [200] * 12 + [429]


def test_what_it_bought_this_month_is_shown(with_card: Client, alice: Person) -> None:
    a_payment(alice.organization, kind="automatic", status="paid", payment_intent_id="pi_1")
    assert "Bought by itself this month so far: $10.00" in text_of(with_card.get(PATH))


def test_rules_of_two_organizations_have_nothing_to_do_with_each_other(
    with_card: Client, charlie: Person, till: RunningTill
) -> None:
    with_card.post(PATH, wish())
    give_credits(charlie.organization, 1)
    other = browser_of(charlie)
    assert "No card is saved yet" in text_of(other.get(PATH))
    other.post(f"{PATH}off/")
    assert AutoTopUp.objects.get().is_on
    assert buy(other, till).organization == charlie.organization
