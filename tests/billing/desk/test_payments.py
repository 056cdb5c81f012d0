"""Purchases at the operator's desk: found, read, looked at again; changed by nothing but Stripe."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from billing.admin.payments import stripe_link
from billing.models import Payment
from tests.billing.stripe.buying import CREDITS, Buyer
from tests.makers import a_paid_payment, a_payment, an_organization
from tests.operators import clerk, desk_of
from tests.pages import text_of
from tests.till import RunningTill

pytestmark = pytest.mark.django_db
LIST = "/admin/billing/payment/"
NewBuyer = Callable[[], Buyer]


def test_purchases_are_found_by_every_id_they_bear(desk: Client, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment, other = buyer.buys(), new_buyer().buys()
    for term in (payment.public_id, payment.session_id, payment.payment_intent_id, buyer.organization.slug):
        words = text_of(desk.get(LIST, {"q": f" {term} "}, follow=True))
        assert payment.public_id in words
        assert other.public_id not in words
    assert payment.public_id not in text_of(desk.get(LIST, {"q": "pay_nothing"}))
    assert payment.public_id in text_of(desk.get(LIST, {"status": "paid", "kind": "checkout"}))
    assert payment.public_id not in text_of(desk.get(LIST, {"status": "open"}))


def test_purchase_tells_its_whole_story(desk: Client, till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().buys(promotion_code="HALF")
    words = text_of(desk.get(f"{LIST}{payment.pk}/change/"))
    for part in (
        payment.public_id,
        "$20.00",
        "$10.00",
        str(payment.session_id),
        str(payment.payment_intent_id),
    ):
        assert part in words
    assert f"+{CREDITS:,} · payment:{payment.pk}:1" in words
    assert "Visa …4242" in words


def test_list_counts_nothing_and_asks_the_same_for_many(desk: Client) -> None:
    organization = an_organization()
    a_paid_payment(organization)
    with CaptureQueriesContext(connection) as few:
        desk.get(LIST)
    for _ in range(20):
        a_paid_payment(organization)
    with CaptureQueriesContext(connection) as many:
        desk.get(LIST)
    assert len(many) <= len(few) <= 12
    assert not any("COUNT(" in query["sql"] for query in many if "billing_payment" in query["sql"])


def test_purchase_is_written_by_nobody(desk: Client) -> None:
    payment = a_paid_payment(an_organization())
    page = f"{LIST}{payment.pk}"
    assert desk.post(f"{page}/change/", {"credited": "9999", "status": "open"}).status_code == 403
    assert desk.get(f"{LIST}add/").status_code == 403
    assert desk.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    assert desk.post(LIST, {"action": "delete_selected", "_selected_action": payment.pk}).status_code in (
        302,
        403,
    )
    assert Payment.objects.get().credited == payment.credited


@pytest.mark.parametrize(
    ("fields", "livemode", "link"),
    [
        (
            {"payment_intent_id": "pi_1", "session_id": "cs_1"},
            True,
            "https://dashboard.stripe.com/payments/pi_1",
        ),
        ({"payment_intent_id": "pi_1"}, False, "https://dashboard.stripe.com/test/payments/pi_1"),
        ({"session_id": "cs_1"}, False, "https://dashboard.stripe.com/test/checkout/sessions/cs_1"),
        ({}, True, ""),
    ],
)
def test_link_leads_to_stripes_own_page(
    desk: Client, settings: Settings, fields: dict[str, Any], livemode: bool, link: str
) -> None:
    settings.TILL = False
    payment = a_payment(an_organization(), livemode=livemode, **fields)
    assert stripe_link(payment) == link
    html = desk.get(f"{LIST}{payment.pk}/change/").content.decode()
    assert (f'href="{link}"' in html) == bool(link)


def test_in_a_demo_the_link_leads_to_the_till(desk: Client, settings: Settings) -> None:
    settings.TILL, settings.TILL_URL = True, "http://localhost:8001"
    payment = a_payment(an_organization(), payment_intent_id="pi_1")
    assert 'href="http://localhost:8001/#pi_1"' in desk.get(f"{LIST}{payment.pk}/change/").content.decode()


# --- Looking again ------------------------------------------------------------------------------


def look_at(desk: Client, *payments: Payment) -> str:
    sent = {"action": "look_at_them", "_selected_action": [payment.pk for payment in payments]}
    return text_of(desk.post(LIST, sent, follow=True))


def test_looking_again_brings_the_wallet_in_line(
    desk: Client, till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    payment, other = buyer.starts(), buyer.starts()
    for one in (payment, other):
        till.pay(str(one.session_id))
    assert "2 payments agree with Stripe now." in look_at(desk, payment, other)
    assert buyer.wallet()[0] == 2 * CREDITS


def test_looking_again_from_the_purchase_itself(desk: Client, till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().starts()
    till.pay(str(payment.session_id))
    page = f"{LIST}{payment.pk}"
    assert f'action="{page}/look/"' in desk.get(f"{page}/change/").content.decode()
    words = text_of(desk.post(f"{page}/look/", follow=True))
    assert "1 payment agrees with Stripe now." in words
    assert f"+{CREDITS:,} · payment:" in words
    assert desk.get(f"{page}/look/").status_code == 405
    assert desk.post(f"{LIST}0/look/").status_code == 404


def test_what_does_not_agree_is_said(desk: Client, till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().starts()
    till.pay(str(payment.session_id))
    Payment.objects.filter(pk=payment.pk).update(amount_minor=1)
    words = look_at(desk, payment)
    assert "1 payment does not: it says why." in words
    assert "agrees" not in words
    assert "does not agree" in words
    assert "Its price is $20.00, not $0.01." in text_of(desk.get(f"{LIST}{payment.pk}/change/"))


def test_while_stripe_is_away_they_are_looked_at_later(
    desk: Client, till: RunningTill, new_buyer: NewBuyer
) -> None:
    payment, other = new_buyer().starts(), new_buyer().starts()
    Payment.objects.update(sync_due_at=None)
    till.behave(down=True)
    words = look_at(desk, payment, other)
    assert "2 payments are looked at by themselves, as soon as possible." in words
    assert not Payment.objects.filter(sync_due_at=None).exists()


def test_who_may_only_look_at_the_pages_does_not_ask_stripe(till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().starts()
    till.pay(str(payment.session_id))
    looker = desk_of(clerk("view_payment"))
    page = f"{LIST}{payment.pk}"
    words = text_of(looker.get(f"{page}/change/"))
    assert "Look at Stripe again" not in words
    assert "Give money back" not in words
    assert looker.post(f"{page}/look/").status_code == 403
    look_at(looker, payment)
    payment.refresh_from_db()
    assert payment.credited == 0
    assert not LogEntry.objects.exists()
