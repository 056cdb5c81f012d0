"""Who handles the money, and what the others see and may not do."""

import pytest
from django.test import Client

from accounts.models import Role
from billing.models import AutoTopUp, Payment
from tests.billing.gifts import a_voucher
from tests.billing.pages.steps import buy, choose, smallest
from tests.cast import Person, join
from tests.makers import wallet_of
from tests.pages import browser_of, text_of
from tests.till import RunningTill

HANDLES = [Role.OWNER, Role.ADMIN, Role.BILLING]
LOOKS = [Role.DEVELOPER, Role.VIEWER]
POSTS = ["buy/", "look/", "portal/", "automatic/", "automatic/off/", "voucher/", "low/"]


def member(alice: Person, role: Role) -> Client:
    return browser_of(join("dora@studio.example", alice.organization, role))


@pytest.mark.parametrize("role", HANDLES)
def test_those_who_handle_the_money_buy(alice: Person, till: RunningTill, role: Role) -> None:
    client = member(alice, role)
    payment = buy(client, till)
    assert payment.credited == 3750
    assert "Paid" in text_of(client.get("/credits/"))
    assert payment.actor.startswith("user:")


@pytest.mark.parametrize("role", LOOKS)
def test_the_others_see_balance_and_history_and_no_way_to_buy(
    alice: Person, till: RunningTill, role: Role
) -> None:
    buy(browser_of(alice), till)
    words = text_of(member(alice, role).get("/credits/"))
    assert "Credits available 5,250" in words
    assert "Bought +3,750" in words
    assert "An owner, an admin or a billing member of Alice&#x27;s Studio can get more." in words.replace(
        "Alice's", "Alice&#x27;s"
    )
    for absent in ("Buy for", "Voucher", "Purchases", "Receipt", "Automatic top-up", "$"):
        assert absent not in words


@pytest.mark.parametrize("role", LOOKS)
def test_what_the_others_send_is_refused(alice: Person, till: RunningTill, role: Role) -> None:
    voucher, payment = a_voucher(), choose(browser_of(alice))
    client = member(alice, role)
    before = wallet_of(alice.organization)
    for path in POSTS:
        sent = {"pack": smallest().pk, "code": voucher.code, "threshold": "5"}
        response = client.post(f"/credits/{path}", sent)
        assert response.status_code == 403, path
        assert "Your role does not allow this" in text_of(response)
    for path in (
        "automatic/",
        "automatic/on/",
        f"receipt/{payment.public_id}",
        f"pay/{payment.public_id}",
        f"return/?session_id={payment.session_id}",
    ):
        assert client.get(f"/credits/{path}").status_code == 403, path
    assert wallet_of(alice.organization) == before
    assert Payment.objects.count() == 1
    assert not AutoTopUp.objects.exists()


@pytest.mark.parametrize("path", POSTS)
def test_strangers_are_sent_to_the_sign_in(db: None, path: str) -> None:
    assert browser_of().post(f"/credits/{path}")["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("path", ["buy/", "look/", "portal/", "automatic/off/", "voucher/", "low/"])
def test_what_changes_something_takes_no_get(alice: Person, path: str) -> None:
    assert browser_of(alice).get(f"/credits/{path}").status_code == 405


@pytest.mark.parametrize("path", ["return/", "automatic/on/", "receipt/pay_1", "pay/pay_1"])
def test_what_only_shows_takes_no_post(alice: Person, path: str) -> None:
    assert browser_of(alice).post(f"/credits/{path}").status_code == 405
