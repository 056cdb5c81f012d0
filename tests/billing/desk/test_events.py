"""What Stripe told us, at the operator's desk: found, read, processed again; written by nobody."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing import stripe_events
from billing.models import Payment, StripeEvent
from tests.billing.stripe.buying import CREDITS, Buyer, arrives, events_about
from tests.makers import a_payment, an_organization
from tests.operators import clerk, desk_of
from tests.pages import text_of
from tests.till import RunningTill

pytestmark = pytest.mark.django_db
LIST = "/admin/billing/stripeevent/"
NewBuyer = Callable[[], Buyer]


def an_event(about: Payment, number: int = 1, **fields: Any) -> StripeEvent:
    usual = {
        "shop": about.shop,
        "account": about.account,
        "event_id": f"evt_{number}",
        "type": "checkout.session.completed",
        "livemode": False,
        "created": about.created_at,
        "payload": {"data": {"object": {"id": "cs_1", "note": "<script>alert(1)</script>"}}},
        "payment": about,
    }
    return StripeEvent.objects.create(**usual | fields)


def again(desk: Client, *events: StripeEvent) -> str:
    sent = {"action": "replay", "_selected_action": [event.pk for event in events]}
    return text_of(desk.post(LIST, sent, follow=True))


def test_events_are_found_and_read(desk: Client) -> None:
    payment = a_payment(an_organization())
    event = an_event(payment, error="Stripe is away")
    other = an_event(payment, 2, type="charge.refunded", payment=None)
    for term in (event.event_id, payment.public_id):
        words = text_of(desk.get(LIST, {"q": term}))
        assert event.event_id in words
        assert other.event_id not in words
    assert other.event_id not in text_of(desk.get(LIST, {"type": event.type}))
    page = desk.get(f"{LIST}{event.pk}/change/")
    assert "Stripe is away" in text_of(page)
    assert "&lt;script&gt;alert(1)" in page.content.decode()
    assert "<script>alert(1)" not in page.content.decode()
    assert event.type in text_of(desk.get(f"/admin/billing/payment/{payment.pk}/change/"))


def test_processing_again_makes_up_for_what_went_wrong(
    desk: Client, till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    payment = buyer.starts()
    till.pay(str(payment.session_id))
    event = arrives(next(one for one in events_about(till, payment) if one["type"].startswith("checkout")))
    StripeEvent.objects.update(processed_at=event.received_at, attempts=9, error="a bug of yesterday")
    assert stripe_events.process_due() == 0
    assert "1 event is processed again." in again(desk, event)
    assert stripe_events.process_due() == 1
    event.refresh_from_db()
    assert (event.payment, event.error) == (payment, "")
    assert buyer.wallet()[0] == CREDITS
    again(desk, event)
    stripe_events.process_due()
    assert buyer.wallet()[0] == CREDITS


def test_list_counts_nothing_and_asks_the_same_for_many(desk: Client) -> None:
    payment = a_payment(an_organization())
    an_event(payment)
    with CaptureQueriesContext(connection) as few:
        desk.get(LIST)
    for number in range(2, 30):
        an_event(payment, number)
    with CaptureQueriesContext(connection) as many:
        desk.get(LIST)
    assert len(many) <= len(few) <= 12
    assert not any("COUNT(" in query["sql"] for query in many if "stripeevent" in query["sql"])


def test_event_is_written_by_nobody(desk: Client) -> None:
    event = an_event(a_payment(an_organization()))
    page = f"{LIST}{event.pk}"
    assert desk.post(f"{page}/change/", {"type": "other"}).status_code == 403
    assert desk.get(f"{LIST}add/").status_code == 403
    assert desk.post(f"{page}/delete/", {"post": "yes"}).status_code == 403


def test_who_may_only_look_processes_nothing_again() -> None:
    payment = a_payment(an_organization())
    event = an_event(payment, processed_at=payment.created_at)
    looker = desk_of(clerk("view_stripeevent", "change_payment"))
    assert looker.get(f"{LIST}{event.pk}/change/").status_code == 200
    again(looker, event)
    event.refresh_from_db()
    assert event.processed_at is not None
