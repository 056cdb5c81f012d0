"""What does not agree with Stripe is ended at the operator's desk, with a reason, by who may."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing import notices, payments, refunds
from billing.models import HandSettlement, Payment, PaymentStatus
from tests.billing.gifts import owner_of
from tests.billing.stripe.buying import Buyer
from tests.makers import a_payment, an_organization, books_are_right
from tests.operators import clerk, desk_of, is_told, operator
from tests.pages import browser_of, text_of
from tests.till import RunningTill

pytestmark = pytest.mark.django_db
LIST = "/admin/billing/payment/"
NewBuyer = Callable[[], Buyer]
PROBLEM = "Its price is $1.00, not $10.00."


def at_odds(**fields: Any) -> Payment:
    return a_payment(an_organization(), session_id="cs_1", problem=PROBLEM, **fields)


def settle(desk: Client, payment: Payment, reason: str = "refunded at Stripe") -> Any:
    return desk.post(f"{LIST}{payment.pk}/settle/", {"reason": reason}, follow=True)


def test_it_is_ended_with_a_reason(desk: Client) -> None:
    payment = at_odds()
    page = f"{LIST}{payment.pk}"
    assert f"{payment.public_id} does not agree with Stripe. {PROBLEM} No credits were given" in text_of(
        desk.get("/admin/")
    )
    assert f'href="{page}/settle/"' in desk.get(f"{page}/change/").content.decode()
    form = text_of(desk.get(f"{page}/settle/"))
    assert f"does not agree with Stripe: {PROBLEM}" in form
    assert "It has brought 0 credits, which stay." in form
    assert "This field is required." in text_of(settle(desk, payment, " "))
    assert not HandSettlement.objects.exists()
    words = text_of(settle(desk, payment))
    for part in (
        "It is settled",
        "Settled by hand",
        f"staff:{operator().uuid}",
        PROBLEM,
        "refunded at Stripe",
    ):
        assert part in words
    assert "does not agree" not in words
    payment.refresh_from_db()
    assert (payment.status, payment.credited) == (PaymentStatus.SETTLED, 0)
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.change_message) == (str(payment.pk), f"Settled by hand: {PROBLEM}")
    assert is_told(entry.change_message)
    again = text_of(settle(desk, payment, "twice"))
    assert "There is nothing to settle" in again
    assert HandSettlement.objects.count() == LogEntry.objects.count() == 1
    assert f'href="{page}/settle/"' not in desk.get(f"{page}/change/").content.decode()
    assert books_are_right()


def test_notices_cost_two_queries() -> None:
    """The books' last check, and payments."""
    at_odds()
    with CaptureQueriesContext(connection) as asked:
        assert len(notices.notices()) == 1
    assert len(asked) == 2


def test_one_that_agrees_cannot_be_settled(desk: Client) -> None:
    payment = a_payment(an_organization())
    page = f"{LIST}{payment.pk}"
    assert "Settle by hand" not in text_of(desk.get(f"{page}/change/"))
    assert "There is nothing to settle" in text_of(desk.get(f"{page}/settle/"))
    assert "There is nothing to settle" in text_of(settle(desk, payment))
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.OPEN


def test_looking_again_says_that_it_stays(desk: Client, till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().starts()
    till.pay(str(payment.session_id))
    Payment.objects.filter(pk=payment.pk).update(amount_minor=1)
    payments.sync_payment(payment.pk)
    settle(desk, payment)
    words = text_of(desk.post(f"{LIST}{payment.pk}/look/", follow=True))
    assert "1 payment was settled by hand, and stays as it is." in words
    assert "agrees with Stripe now" not in words


def test_nobody_without_the_permission_settles(desk: Client) -> None:
    payment = at_odds()
    page = f"{LIST}{payment.pk}/settle/"
    looker = desk_of(clerk("view_payment"))
    assert "Settle by hand" not in text_of(looker.get(f"{LIST}{payment.pk}/change/"))
    assert looker.get(page).status_code == settle(looker, payment).status_code == 403
    customer = browser_of()
    customer.force_login(owner_of(payment.organization))
    assert settle(customer, payment).status_code == 404
    assert settle(Client(), payment).redirect_chain[0][0].startswith("/sign-in/")
    payment.refresh_from_db()
    assert payment.problem == PROBLEM
    assert desk.put(page).status_code == 405
    assert desk.get(f"{LIST}0/settle/").status_code == 404
    assert desk_of(clerk("change_payment")).get(page).status_code == 200


def test_a_refund_that_came_back_says_so_on_its_payment(
    desk: Client, till: RunningTill, new_buyer: NewBuyer
) -> None:
    payment = new_buyer().buys()
    row = refunds.refund(payment.pk, 500, actor="staff:1")
    assert "$5.00 · done" in text_of(desk.get(f"{LIST}{payment.pk}/change/"))
    till.fail_refund(str(row.refund_id))
    payments.sync_payment(payment.pk)
    words = text_of(desk.get(f"{LIST}{payment.pk}/change/"))
    assert "$5.00 · It came back from the bank: lost or stolen card." in words
    assert "$5.00 · done" not in words
