"""Back from the page where it is paid: the credits are there, or it says why they are not."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import AlertKind, OperatorAlert
from billing import ledger, payments
from billing.models import Payment, PaymentStatus
from tests.billing.pages.steps import SMALL, buy, choose, come_back, questions
from tests.cast import Person
from tests.makers import books_are_right, new_reference, wallet_of
from tests.pages import browser_of, text_of
from tests.till import RunningTill


@pytest.fixture
def client(alice: Person, till: RunningTill) -> Client:
    return browser_of(alice)


def intent_of(payment: Payment) -> str:
    payment.refresh_from_db()
    return str(payment.payment_intent_id)


def paid(till: RunningTill, session_id: str) -> None:
    till.pay(session_id)


def by_bank(till: RunningTill, session_id: str) -> None:
    till.pay_by_bank(session_id)


def bank_failed(till: RunningTill, session_id: str) -> None:
    till.pay_by_bank(session_id)
    till.bank_fails(session_id)


def declined(till: RunningTill, session_id: str) -> None:
    till.decline(session_id)


def expired(till: RunningTill, session_id: str) -> None:
    till.expire(session_id)


def left(till: RunningTill, session_id: str) -> None:
    """Nothing was done there."""


@pytest.mark.parametrize(
    ("happens", "heading", "says", "next_step"),
    [
        (paid, "Thank you", "3,750 credits were added to your wallet. You have 5,250 now.", "Make images"),
        (by_bank, "Your payment is on its way", "you need not do anything", "To the credits"),
        (bank_failed, "The payment did not go through", "Nothing was charged", "Try again"),
        (declined, "Not paid yet", "Nothing was charged so far", "Go on paying"),
        (left, "Not paid yet", "Nothing was charged so far", "Go on paying"),
        (expired, "This checkout has ended", "nothing was charged", "Try again"),
    ],
)
def test_outcome_is_told_at_once_with_what_to_do_next(
    client: Client,
    till: RunningTill,
    happens: Callable[[RunningTill, str], None],
    heading: str,
    says: str,
    next_step: str,
) -> None:
    payment = choose(client)
    happens(till, str(payment.session_id))
    response = come_back(client, payment)
    words = text_of(response)
    assert response.status_code == 200
    assert f"<h1>{heading}</h1>" in response.content.decode()
    assert says in words
    assert next_step in words


def test_credits_are_there_when_the_page_opens_and_reloading_adds_none(
    client: Client, alice: Person, till: RunningTill
) -> None:
    payment = choose(client)
    till.pay(str(payment.session_id))
    come_back(client, payment)
    assert wallet_of(alice.organization)[0] == 1500 + SMALL
    before = questions(till)
    for _ in range(5):
        assert "Thank you" in text_of(come_back(client, payment))
    assert questions(till) == before, "what is known is not asked again"
    assert wallet_of(alice.organization)[0] == 1500 + SMALL
    assert books_are_right()


def test_money_of_a_bank_is_seen_when_it_has_arrived(client: Client, till: RunningTill) -> None:
    payment = choose(client)
    till.pay_by_bank(str(payment.session_id))
    assert "on its way" in text_of(come_back(client, payment))
    till.bank_arrives(str(payment.session_id))
    assert f"{SMALL:,} credits were added" in text_of(come_back(client, payment))


def test_free_purchase_is_one_as_well(client: Client, till: RunningTill) -> None:
    payment = choose(client)
    till.pay(str(payment.session_id), promotion_code="FREE")
    assert f"{SMALL:,} credits were added" in text_of(come_back(client, payment))


def test_what_was_given_back_is_not_thanked_for(client: Client, till: RunningTill) -> None:
    refunded, disputed = buy(client, till), buy(client, till)
    till.refund(intent_of(refunded))
    till.dispute(intent_of(disputed))
    for payment, heading in ((refunded, "was given back"), (disputed, "is disputed")):
        payments.sync_payment(payment.pk)
        words = text_of(come_back(client, payment))
        assert f"This payment {heading}" in words
        assert "have left your wallet" in words


def test_what_is_owed_is_said(client: Client, alice: Person, till: RunningTill) -> None:
    ledger.claw_back(alice.organization.pk, 10_000, value_micros=0, reference=new_reference(), actor="system")
    payment = choose(client)
    till.pay(str(payment.session_id))
    words = text_of(come_back(client, payment))
    assert "4,750 credits are still owed after a refund" in words
    assert "Get more credits" in words


def test_what_does_not_agree_credits_nothing_and_calls_the_operator(
    client: Client, alice: Person, till: RunningTill
) -> None:
    payment = choose(client)
    till.pay(str(payment.session_id))
    Payment.objects.update(amount_minor=99)
    words = text_of(come_back(client, payment))
    assert "Somebody has to look at your payment" in words
    assert payment.public_id in words
    assert wallet_of(alice.organization)[0] == 1500
    assert OperatorAlert.objects.get().kind == AlertKind.PAYMENT


def test_what_was_credited_before_it_did_not_agree_is_not_said_to_be_missing(
    client: Client, till: RunningTill
) -> None:
    payment = buy(client, till)
    Payment.objects.update(amount_minor=99)
    payments.sync_payment(payment.pk)
    words = text_of(come_back(client, payment))
    assert "Somebody has to look at your payment" in words
    assert "the credits that it brought stay until then" in words
    assert "no credits were added" not in words


def test_what_the_operator_has_settled_is_told_without_asking_stripe(
    client: Client, till: RunningTill
) -> None:
    payment = choose(client)
    Payment.objects.update(amount_minor=99)
    payments.sync_payment(payment.pk)
    payments.settle_by_hand(payment.pk, actor="staff:1", reason="refunded")
    before = questions(till)
    words = text_of(come_back(client, payment))
    assert "The operator has settled this payment" in words
    assert payment.public_id in words
    assert questions(till) == before


@pytest.mark.parametrize("trouble", [{"down": True}, {"lose_answers": 9}, {"rate_limited": 9}])
def test_while_stripe_is_away_nobody_is_told_to_pay_again(
    client: Client, till: RunningTill, trouble: dict[str, int]
) -> None:
    payment = choose(client)
    till.pay(str(payment.session_id))
    till.behave(**trouble)
    response = come_back(client, payment)
    words = text_of(response)
    assert response.status_code == 200
    assert "We cannot see your payment yet" in words
    assert "Do not pay again." in words
    till.behave(reset=True)
    assert f"{SMALL:,} credits were added" in text_of(come_back(client, payment))


def test_who_reloads_without_end_does_not_ask_stripe_without_end(client: Client, till: RunningTill) -> None:
    payment = choose(client)
    before = questions(till)
    for _ in range(35):
        response = come_back(client, payment)
        assert response.status_code == 200
    assert "We cannot see your payment yet" in text_of(response)
    assert questions(till) - before < 35


def test_purchase_of_another_organization_is_not_found(
    client: Client, charlie: Person, till: RunningTill
) -> None:
    payment = choose(client)
    till.pay(str(payment.session_id))
    response = come_back(browser_of(charlie), payment)
    assert response.status_code == 404
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.OPEN
    assert wallet_of(charlie.organization)[0] == 1500


@pytest.mark.parametrize("session_id", ["", "x", "cs_test_nothing", "\x00", "cs_\ud800", "ä", "a" * 5000])
def test_session_that_does_not_exist_is_not_found(client: Client, session_id: str) -> None:
    choose(client)
    Payment.objects.update(session_id=None)
    for sent in ({"session_id": session_id.encode("utf-8", "surrogatepass")}, {}):
        assert client.get("/credits/return/", sent).status_code == 404


def test_who_is_signed_out_comes_back_to_it_after_signing_in(client: Client) -> None:
    payment = choose(client)
    response = come_back(browser_of(), payment)
    assert response.status_code == 302
    assert response["Location"].startswith("/sign-in/?next=/credits/return/%3Fsession_id%3Dcs_")
