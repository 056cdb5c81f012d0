"""What was bought: how each purchase stands, its receipt, and what to do when credits are missing."""

import re

import pytest
from django.test import Client

from accounts.organizations import suspend
from billing import payments
from billing.models import Payment, PaymentKind, PaymentStatus
from tests.billing.pages.steps import SMALL, buy, choose, come_back
from tests.cast import Person
from tests.makers import a_paid_payment, a_payment, wallet_of
from tests.pages import browser_of, text_of
from tests.till import RunningTill


@pytest.fixture
def client(alice: Person, till: RunningTill) -> Client:
    return browser_of(alice)


def rows(client: Client) -> list[str]:
    """Amount and state of each purchase, newest first."""
    words = text_of(client.get("/credits/"))
    table = words.partition("Purchases What Amount State Receipt When ")[2].partition("What you pay for")[0]
    found = re.split(r"just now", re.sub(r"Receipt \$[^ ]+, \S+ \d\d:\d\d ", "Receipt ", table))
    return [row.strip() for row in found if row.strip()]


def test_each_purchase_says_how_it_stands(client: Client, alice: Person, till: RunningTill) -> None:
    left, processing, refunded, disputed = (choose(client) for _ in range(4))
    till.pay_by_bank(str(processing.session_id))
    for payment in (refunded, disputed):
        till.pay(str(payment.session_id))
    for payment in (left, processing, refunded, disputed):
        come_back(client, payment)
        payment.refresh_from_db()
    till.refund(str(refunded.payment_intent_id), 125)
    till.dispute(str(disputed.payment_intent_id))
    for payment in (refunded, disputed):
        payments.sync_payment(payment.pk)
    assert rows(client) == [
        "3,750 credits $5.00 Paid $5.00 disputed Receipt",
        "3,750 credits $5.00 Paid $1.25 given back Receipt",
        "3,750 credits $5.00 On its way",
        "3,750 credits $5.00 Not paid yet · go on paying $5.00",
    ]


def test_automatic_purchase_that_failed_says_why(client: Client, alice: Person) -> None:
    for number, failure in enumerate(("card_declined", "authentication_required")):
        a_payment(
            alice.organization,
            kind=PaymentKind.AUTOMATIC,
            status=PaymentStatus.FAILED,
            failure=failure,
            payment_intent_id=f"pi_{number}",
        )
    assert rows(client) == [
        "1,000 credits automatic $10.00 Failed Your bank wants you to confirm it",
        "1,000 credits automatic $10.00 Failed The card was declined",
    ]


def test_what_does_not_agree_is_being_looked_at(client: Client, alice: Person) -> None:
    a_payment(alice.organization, session_id="cs_1", problem="Its price is $1.00, not $10.00.")
    assert rows(client) == ["1,000 credits $10.00 Being looked at by the operator"]


def test_what_the_operator_has_settled_says_so(client: Client, alice: Person) -> None:
    a_payment(alice.organization, session_id="cs_1", status=PaymentStatus.SETTLED)
    assert rows(client) == ["1,000 credits $10.00 Settled by hand"]


def test_what_was_given_up_is_no_purchase(client: Client, alice: Person) -> None:
    a_payment(alice.organization)  # never reached a page
    a_payment(alice.organization, session_id="cs_1", status=PaymentStatus.EXPIRED)
    assert "Nothing bought yet." in text_of(client.get("/credits/"))


def test_purchases_go_on_by_cursor(client: Client, alice: Person, charlie: Person) -> None:
    a_paid_payment(charlie.organization, credits=7777)
    for number in range(45):
        a_paid_payment(alice.organization, credits=1000 + number)
    path, seen = "/credits/", []
    while path:
        html = client.get(path).content.decode()
        seen += re.findall(r">(1,0\d\d) credits</td>", html)
        older = re.search(r'href="(/credits/\?bought_before=\d+)#purchases"', html)
        path = older[1] if older else ""
    assert seen == [f"{1000 + number:,}" for number in reversed(range(45))]
    assert "There are no older purchases." in text_of(client.get("/credits/", {"bought_before": "1"}))


@pytest.mark.parametrize("before", ["", "x", "-1", "9" * 30, "٣", "\x00"])
def test_bad_cursor_shows_the_newest(client: Client, alice: Person, before: str) -> None:
    a_paid_payment(alice.organization)
    assert "1,000 credits" in text_of(client.get("/credits/", {"bought_before": before}))


# --- Receipts -----------------------------------------------------------------------------------


def test_receipt_is_stripes_own(client: Client, till: RunningTill) -> None:
    payment = buy(client, till)
    assert f'href="/credits/receipt/{payment.public_id}"' in client.get("/credits/").content.decode()
    response = client.get(f"/credits/receipt/{payment.public_id}")
    assert response.status_code == 302
    assert re.fullmatch(rf"{till.base_url}/invoices/in_\w+/pdf", response["Location"])


def test_receipt_of_another_organization_or_of_nothing_is_not_found(
    client: Client, charlie: Person, till: RunningTill
) -> None:
    payment = buy(client, till)
    assert browser_of(charlie).get(f"/credits/receipt/{payment.public_id}").status_code == 404
    unpaid = choose(client)
    for name in (unpaid.public_id, "pay_nothing", "%00", "a" * 300, "pay%20x"):
        assert client.get(f"/credits/receipt/{name}").status_code == 404


def test_receipt_that_cannot_be_had_now_is_asked_for_again_later(client: Client, till: RunningTill) -> None:
    payment = buy(client, till)
    till.behave(down=True)
    response = client.get(f"/credits/receipt/{payment.public_id}")
    assert response.status_code == 503
    assert "The receipt cannot be fetched at the moment" in text_of(response)
    assert payment.charged in text_of(response)


# --- Going on, and what is missing --------------------------------------------------------------


def test_checkout_that_was_left_goes_on_where_it_was(client: Client, till: RunningTill) -> None:
    payment = choose(client)
    session = till.client().v1.checkout.sessions.retrieve(str(payment.session_id))
    path = f"/credits/pay/{payment.public_id}"
    assert client.get(path)["Location"] == session.url
    till.pay(session.id)
    assert client.get(path)["Location"] == f"/credits/return/?session_id={session.id}"
    till.behave(down=True)
    assert client.get(path).status_code == 503


def test_checkout_that_was_left_goes_on_for_nobody_who_is_suspended(
    client: Client, till: RunningTill, alice: Person
) -> None:
    payment = choose(client)
    path = f"/credits/pay/{payment.public_id}"
    suspend(alice.organization)
    assert client.get(path).status_code == 403
    till.pay(str(payment.session_id))
    assert client.get(path).status_code == 302, "It is paid, and shown"


def test_checkout_of_another_organization_or_none_is_not_found(
    client: Client, alice: Person, charlie: Person
) -> None:
    payment = choose(client)
    never_begun = a_payment(alice.organization)
    assert browser_of(charlie).get(f"/credits/pay/{payment.public_id}").status_code == 404
    for name in (never_begun.public_id, "pay_nothing", "%00"):
        assert client.get(f"/credits/pay/{name}").status_code == 404


def test_paid_but_no_credits(client: Client, alice: Person, till: RunningTill) -> None:
    """Nobody came back, no webhook arrived, and we did not even hear the session's id."""
    seen, unseen = choose(client), choose(client)
    for payment in (seen, unseen):
        till.pay(str(payment.session_id))
    Payment.objects.filter(pk=unseen.pk).update(session_id=None)
    response = client.post("/credits/look/", follow=True)
    assert f"Found: {2 * SMALL} credits were added." in text_of(response)
    assert wallet_of(alice.organization)[0] == 1500 + 2 * SMALL
    again = text_of(client.post("/credits/look/", follow=True))
    assert "Stripe knows of no payment whose credits are missing here." in again
    assert wallet_of(alice.organization)[0] == 1500 + 2 * SMALL


def test_looking_finds_nothing_of_others(client: Client, charlie: Person, till: RunningTill) -> None:
    payment = choose(client)
    till.pay(str(payment.session_id))
    response = browser_of(charlie).post("/credits/look/", follow=True)
    assert "Stripe knows of no payment" in text_of(response)
    payment.refresh_from_db()
    assert payment.credited == 0


def test_while_stripe_is_away_looking_says_so(client: Client, till: RunningTill) -> None:
    choose(client)
    till.behave(down=True)
    response = client.post("/credits/look/")
    assert response.status_code == 503
    assert "Nothing is lost: credits that were paid for appear by themselves" in text_of(response)


def test_portal_is_the_organizations_own(client: Client, charlie: Person, till: RunningTill) -> None:
    places = [
        browser.post("/credits/portal/")["Location"] for browser in (client, client, browser_of(charlie))
    ]
    assert all(place.startswith(f"{till.base_url}/portal/") for place in places)
    till.behave(down=True)
    response = client.post("/credits/portal/")
    assert response.status_code == 503
    assert "That page cannot be opened at the moment" in text_of(response)
