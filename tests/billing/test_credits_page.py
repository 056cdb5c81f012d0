"""The page of credits: balances, and every entry in words."""

import re

import pytest

from accounts.models import Role
from billing import ledger, payments, reads
from tests.cast import Person, give_credits, join
from tests.makers import a_paid_payment, that_is_paid
from tests.pages import browser_of, made, ordered, text_of


def test_balances_and_what_they_buy(alice: Person) -> None:
    client = browser_of(alice)
    ordered(client)
    words = text_of(client.get("/credits/"))
    assert "Credits available 1,485 enough for 99 images" in words
    assert "Credits held 15 for images being made" in words
    assert "Credits owed 0 nothing to settle" in words
    assert "An image costs 15 credits; one that fails costs nothing." in words


def test_each_kind_of_entry_is_told_in_words_with_signed_credits(alice: Person) -> None:
    client = browser_of(alice)
    organization = alice.organization.pk
    made(client)
    made(client, prompt="sandbox:failed")
    ledger.top_up(organization, 100, net_value_micros=5, reference="payment:1:1", actor="system")
    ledger.take(organization, 10, reference="manual:1", actor="system")
    ledger.claw_back(organization, 2000, value_micros=5, reference="payment:1:2", actor="system")
    words = text_of(client.get("/credits/"))
    expected = [
        r"Taken back after a refund or dispute \+425 owed −1,575 0 purchase",
        r"Removed by the operator −10 0 account",
        r"Bought \+100 0 purchase",
        r"Returned \+15 −15 image",
        r"Held −15 \+15 image",
        r"Spent 0 −15 image",
        r"Held −15 \+15 image",
        r"Given \+1,500 0 account",
    ]
    assert re.search(".*".join(expected), words), words
    assert "Credits owed 425 after a refund; new credits settle it first" in words


def test_what_a_won_dispute_brings_back_was_not_bought_again(alice: Person) -> None:
    payment = a_paid_payment(alice.organization)
    for disputed_minor in (1000, 0):
        facts = that_is_paid(payment, disputed_minor=disputed_minor)
        payment = payments.apply(payments.begin(payment.pk), facts)
    words = text_of(browser_of(alice).get("/credits/"))
    expected = (
        r"Back after a refund or dispute \+1,000 0 purchase.*"
        r"Taken back after a refund or dispute −1,000 0 purchase.*"
        r"Bought \+1,000 0 purchase"
    )
    assert re.search(expected, words), words


def test_entry_leads_to_its_order(alice: Person) -> None:
    client = browser_of(alice)
    generation = made(client)
    assert f'href="/playground/{generation.task_id}/"' in client.get("/credits/").content.decode()


def test_history_goes_on_by_cursor_without_gap_or_repetition(alice: Person) -> None:
    for number in range(60):
        give_credits(alice.organization, 1000 + number)
    client = browser_of(alice)
    path, seen = "/credits/", []
    while path:
        html = client.get(path).content.decode()
        seen += re.findall(r">\+(1,\d{3})</td>", html)
        older = re.search(r'href="(/credits/\?before=\d+)#history"', html)
        path = older[1] if older else ""
    assert seen == [f"{1000 + number:,}" for number in reversed(range(60))] + ["1,500"]


@pytest.mark.parametrize("before", ["", "x", "-1", "1.5", "9" * 30, "٣", "\x00"])
def test_bad_cursor_shows_the_newest(alice: Person, before: str) -> None:
    response = browser_of(alice).get("/credits/", {"before": before})
    assert response.status_code == 200
    assert "+1,500" in text_of(response)


def test_cursor_of_another_organization_shows_none_of_its_entries(alice: Person, charlie: Person) -> None:
    statement = reads.statement(charlie.organization.pk)
    response = browser_of(alice).get("/credits/", {"before": statement.entries[0].pk + 1})
    assert text_of(response).count("Given") == 1


@pytest.mark.parametrize("role", list(Role))
def test_every_member_may_look(alice: Person, role: Role) -> None:
    client = browser_of(join("dora@studio.example", alice.organization, role))
    assert "1,500" in text_of(client.get("/credits/"))


def test_signed_out_person_is_sent_to_the_sign_in(db: None) -> None:
    assert browser_of().get("/credits/").headers["Location"] == "/sign-in/?next=/credits/"


def test_wrong_method_is_refused(alice: Person) -> None:
    assert browser_of(alice).post("/credits/").status_code == 405
