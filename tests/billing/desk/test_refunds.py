"""Giving money back at the operator's desk: through Stripe, once, and never more than was paid."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from pytest_django import Settings

from billing import payments, stripe_events
from billing.models import Payment, Refund
from tests.billing.gifts import owner_of
from tests.billing.stripe.buying import CREDITS, Buyer, arrives, events_about, intent_of
from tests.makers import books_are_right
from tests.operators import clerk, desk_of, is_told, operator
from tests.pages import text_of
from tests.till import RunningTill

pytestmark = pytest.mark.django_db
LIST = "/admin/billing/payment/"
NewBuyer = Callable[[], Buyer]


def give_back(
    desk: Client, payment: Payment, amount: str, *, number: int = 1, reason: str = "asked for"
) -> Any:
    sent = {"amount": amount, "reason": reason, "number": number}
    return desk.post(f"{LIST}{payment.pk}/refund/", sent, follow=True)


def refunded_at(till: RunningTill, payment: Payment) -> int:
    refunds = till.client().v1.refunds.list({"payment_intent": intent_of(payment)}).data
    return sum(refund.amount for refund in refunds)


def test_some_and_then_the_rest_is_given_back(desk: Client, till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    page = f"{LIST}{payment.pk}"
    assert f'href="{page}/refund/"' in desk.get(f"{page}/change/").content.decode()
    form = desk.get(f"{page}/refund/")
    assert "paid $20.00" in text_of(form)
    assert "at most $20.00 can be given back" in text_of(form)
    assert 'value="20.00"' in form.content.decode()
    words = text_of(give_back(desk, payment, "5"))
    assert "$5.00 was given back; the credits that it bought are taken." in words
    assert "$5.00 given back" in words
    assert "asked for" in words
    assert buyer.wallet()[0] == CREDITS * 3 // 4
    assert 'value="15.00"' in desk.get(f"{page}/refund/").content.decode()
    give_back(desk, payment, "15.00", number=2)
    assert (buyer.wallet()[0], refunded_at(till, payment)) == (0, 2000)
    assert "Give money back" not in text_of(desk.get(f"{page}/change/"))
    assert "at most $0.00" in text_of(desk.get(f"{page}/refund/"))
    assert [row.actor for row in Refund.objects.all()] == [f"staff:{operator().uuid}"] * 2
    assert LogEntry.objects.count() == 2
    assert books_are_right()


@pytest.mark.parametrize(
    ("sent", "field", "says"),
    [
        ({"amount": "20.01"}, "amount", "At most $20.00 can be given back."),
        ({"amount": "0"}, "amount", "An amount such as 12.50."),
        ({"amount": "-1"}, "amount", "An amount such as 12.50."),
        ({"amount": "five"}, "amount", "An amount such as 12.50."),
        ({"amount": "1.234"}, "amount", "An amount such as 12.50."),
        ({"amount": ""}, "amount", "This field is required."),
        ({"amount": "9" * 20}, "amount", "An amount such as 12.50."),
        ({"reason": " "}, "reason", "This field is required."),
    ],
)
def test_bad_entry_gives_nothing_back(
    desk: Client, till: RunningTill, new_buyer: NewBuyer, sent: dict[str, str], field: str, says: str
) -> None:
    payment = new_buyer().buys()
    entered = {"amount": "1", "reason": "asked for", "number": "1"} | sent
    response = desk.post(f"{LIST}{payment.pk}/refund/", entered)
    assert response.status_code == 200
    assert says in text_of(response)
    assert refunded_at(till, payment) == 0
    assert not Refund.objects.exists()


def test_form_that_is_sent_twice_gives_back_once(
    desk: Client, till: RunningTill, new_buyer: NewBuyer
) -> None:
    payment = new_buyer().buys()
    give_back(desk, payment, "5")
    words = text_of(give_back(desk, payment, "5"))
    assert "Money was given back meanwhile. Look at what is left, then decide again." in words
    assert refunded_at(till, payment) == 500
    assert Refund.objects.count() == 1


def test_webhooks_that_follow_take_nothing_again(
    desk: Client, till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    give_back(desk, payment, "5")
    told = events_about(till, payment)
    assert any(event["type"].startswith(("charge.refund", "refund.")) for event in told)
    for event in told * 2:
        stripe_events.process(arrives(event))
    assert buyer.wallet()[0] == CREDITS * 3 // 4
    assert Payment.objects.get().refunded_minor == 500
    assert books_are_right()


def test_what_stripe_refuses_takes_no_credits(desk: Client, till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    till.dispute(intent_of(payment))
    words = text_of(give_back(desk, payment, "5"))
    assert "Stripe refused:" in words
    assert "has been charged back" in words
    assert buyer.wallet()[0] == CREDITS
    payments.sync_payment(payment.pk)
    assert buyer.wallet()[0] == 0


def test_while_stripe_is_away_it_stays_on_its_way(
    desk: Client, till: RunningTill, new_buyer: NewBuyer
) -> None:
    payment = new_buyer().buys()
    till.behave(down=True)
    words = text_of(give_back(desk, payment, "15"))
    assert "Stripe does not answer; the refund is asked for again by itself." in words
    assert "on its way" in words
    assert "at most $5.00 can be given back" in text_of(desk.get(f"{LIST}{payment.pk}/refund/"))
    assert "At most $5.00 can be given back." in text_of(give_back(desk, payment, "6", number=2))
    assert Refund.objects.get().refund_id is None


def test_what_was_not_paid_cannot_be_given_back(desk: Client, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    free, unpaid = buyer.buys(promotion_code="FREE"), buyer.starts()
    for payment in (free, unpaid):
        assert "Give money back" not in text_of(desk.get(f"{LIST}{payment.pk}/change/"))
        words = text_of(give_back(desk, payment, "1"))
        assert "Nothing was paid for this that could be given back." in words
    assert not Refund.objects.exists()


def test_nobody_without_the_permission_gives_back(
    till: RunningTill, new_buyer: NewBuyer, desk: Client
) -> None:
    payment = new_buyer().buys()
    page = f"{LIST}{payment.pk}/refund/"
    for permissions in (["view_payment"], ["view_payment", "change_payment"]):
        looker = desk_of(clerk(*permissions))
        assert looker.get(page).status_code == 403
        assert give_back(looker, payment, "1").status_code == 403
    customer = Client()
    customer.force_login(owner_of(payment.organization))
    assert give_back(customer, payment, "1").status_code == 404
    assert give_back(Client(), payment, "1").redirect_chain[0][0].startswith("/sign-in/")
    assert refunded_at(till, payment) == 0
    assert desk_of(clerk("refund_payment")).get(page).status_code == 200
    assert desk.put(page).status_code == 405
    assert desk.get(f"{LIST}0/refund/").status_code == 404


def test_one_that_stripe_refuses_the_key_for_is_ended_by_hand(
    desk: Client, till: RunningTill, new_buyer: NewBuyer, settings: Settings
) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    page = f"{LIST}{payment.pk}"
    assert "No refund of this payment is on its way." in text_of(desk.get(f"{page}/owe/"))
    settings.STRIPE_SECRET_KEY = "sk_test_of_nobody"
    give_back(desk, payment, "5")
    assert f'href="{page}/owe/"' in desk.get(f"{page}/change/").content.decode()
    assert "and Stripe has not given it: $5.00" in text_of(desk.get(f"{page}/owe/"))
    assert "This field is required." in text_of(desk.post(f"{page}/owe/", {"reason": " "}))
    for user in (clerk("view_payment"), clerk("view_payment", "change_payment")):
        assert desk_of(user).post(f"{page}/owe/", {"reason": "x"}).status_code == 403
    assert desk.delete(f"{page}/owe/").status_code == 405
    words = text_of(desk.post(f"{page}/owe/", {"reason": "paid in cash"}, follow=True))
    assert "$5.00 is owed to" in words
    assert "Owed: Stripe cannot be asked for it any more." in words
    assert Refund.objects.get().due_at is None
    kept = LogEntry.objects.latest("pk").get_change_message()
    assert "ended by hand" in kept
    assert is_told(kept)
    assert buyer.wallet()[0] == CREDITS
    assert books_are_right()
