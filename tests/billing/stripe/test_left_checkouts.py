"""Checkouts that are left without paying: no more of them than anybody needs, and each can be paid at most once."""

from collections.abc import Callable

import pytest

from accounts.models import OperatorAlert
from billing import checkout, payments, stripe_gateway
from billing.errors import PaymentsAway
from billing.models import Payment, PaymentStatus
from billing.stripe_gateway import credentials
from tests.billing.stripe.buying import CREDITS, PRICE, Buyer, a_pack
from tests.makers import ago, books_are_right
from tests.till import RunningTill

NewBuyer = Callable[[], Buyer]
pytestmark = pytest.mark.django_db


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a test is soon over."""
    monkeypatch.setattr(checkout, "MOST_WAITING", 3)


def left_by(buyer: Buyer) -> list[Payment]:
    """Three packs that differ, the oldest first."""
    return [buyer.starts(1000 + number, PRICE) for number in range(3)]


def status_of(payment: Payment) -> str:
    payment.refresh_from_db()
    return payment.status


def open_at_stripe(till: RunningTill, buyer: Buyer) -> int:
    customer = str(
        checkout.customer_id_of(credentials.account_of(buyer.organization.shop_id), buyer.organization.pk)
    )
    found = till.client().v1.checkout.sessions.list({"customer": customer, "limit": 100}).data
    return sum(session.status == "open" for session in found)


def another(buyer: Buyer) -> Payment:
    return buyer.starts(9999, PRICE)


def test_ten_may_wait(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    assert len({buyer.starts().pk for _ in range(10)}) == 10
    assert buyer.starts() == Payment.objects.latest("pk")
    assert open_at_stripe(till, buyer) == 10


@pytest.mark.usefixtures("few")
def test_the_same_again_leads_to_the_newest_page_of_it(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    buyer.starts()
    newest, _other = buyer.starts(), buyer.starts(5, PRICE)
    started = checkout.start(buyer.access, a_pack())
    assert started.payment == newest
    session = till.client().v1.checkout.sessions.retrieve(str(newest.session_id))
    assert started.url == session.url
    till.pay(session.id)
    assert payments.sync_payment(newest.pk).credited == CREDITS
    assert buyer.starts() not in (newest, _other), "What is paid waits no more"


@pytest.mark.usefixtures("few")
def test_for_another_the_oldest_is_closed(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    left = left_by(buyer)
    payment = another(buyer)
    assert payment not in left
    assert [status_of(one) for one in (*left, payment)] == ["expired", "open", "open", "open"]
    assert till.client().v1.checkout.sessions.retrieve(str(left[0].session_id)).status == "expired"
    assert open_at_stripe(till, buyer) == 3


@pytest.mark.usefixtures("few")
def test_one_that_was_paid_meanwhile_is_credited_and_not_closed(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    left = left_by(buyer)
    till.pay(str(left[0].session_id))
    another(buyer)
    assert [status_of(one) for one in left] == ["paid", "open", "open"]
    assert buyer.wallet()[0] == left[0].credits
    till.pay(str(left[2].session_id))
    again = buyer.starts(left[2].credits, PRICE)
    assert again != left[2]
    assert status_of(left[2]) == PaymentStatus.PAID, (
        "The page of the same was paid: another is another purchase"
    )
    assert books_are_right()


@pytest.mark.usefixtures("few")
def test_one_whose_price_was_another_is_not_gone_on_with(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    left = left_by(buyer)
    pack = a_pack(left[2].credits, PRICE)
    pack.price_minor = PRICE * 2
    pack.save()
    payment = checkout.start(buyer.access, pack).payment
    assert (payment.amount_minor, payment in left) == (PRICE * 2, False)


@pytest.mark.usefixtures("few")
def test_while_stripe_was_away_no_page_was_made_and_none_has_to_be_closed(
    till: RunningTill, new_buyer: NewBuyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_gateway.line, "PAUSES_S", ())
    buyer = new_buyer()
    till.behave(down=True)
    for _ in range(5):
        with pytest.raises(PaymentsAway):
            buyer.starts()
    assert Payment.objects.filter(status=PaymentStatus.OPEN, session_id=None).count() == 3
    till.behave(down=False)
    with pytest.raises(PaymentsAway):  # as far as we know they are being made
        another(buyer)
    Payment.objects.update(created_at=ago(121))
    assert another(buyer).session_id
    assert Payment.objects.filter(status=PaymentStatus.EXPIRED).count() == 1


@pytest.mark.usefixtures("few")
def test_those_that_stripe_does_not_show_keep_nobody_from_buying_and_are_told(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    left = left_by(buyer)
    for payment in left:
        Payment.objects.filter(pk=payment.pk).update(session_id=f"cs_unknown{payment.pk}")
    for number in range(3):
        assert buyer.starts(left[2].credits + number, PRICE).session_id
    for _ in range(2):
        payments.sync_due()
    assert OperatorAlert.objects.count() == 3


@pytest.mark.usefixtures("few")
def test_those_that_wait_for_an_operator_keep_nobody_from_buying(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    left = left_by(buyer)
    Payment.objects.filter(pk__in=[one.pk for one in left]).update(problem="Its price is another.")
    another(buyer)
    assert [status_of(one) for one in left] == [PaymentStatus.OPEN] * 3
