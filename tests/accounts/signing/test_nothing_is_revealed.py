"""Whether there is an account with an address is told to nobody but its mailbox."""

import re
from collections.abc import Callable
from typing import Any, cast

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.http import HttpResponse
from django.test import Client

from accounts.models import Organization, User
from tests.accounts.signing.steps import NEW, a_newcomer, mails_to, sign_in, sign_up
from tests.cast import Person
from tests.pages import browser_of

pytestmark = pytest.mark.django_db
UNKNOWN = "nobody@studio.example"


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each time that Argon2, which takes longer than all the rest, was used."""
    used: list[str] = []

    def count(name: str) -> None:
        original = getattr(Argon2PasswordHasher, name)

        def counted(*args: object, **more: object) -> object:
            used.append(name)
            return original(*args, **more)

        monkeypatch.setattr(Argon2PasswordHasher, name, counted)

    count("encode")
    count("verify")
    return used


def seen(response: Any, email: str) -> tuple[object, ...]:
    """All that the other side can see, but for what is random in every answer."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", response.content.decode())
    changing = ("X-Request-Id", "Set-Cookie", "Expires", "Content-Length")
    headers = {name: value for name, value in response.headers.items() if name not in changing}
    return response.status_code, text.replace(email, "…"), headers, sorted(response.cookies)


def ask_for_a_new_password(client: Client, email: str) -> HttpResponse:
    return cast(HttpResponse, client.post("/account/forgotten/", {"email": email}))


def wrong_password(client: Client, email: str) -> HttpResponse:
    return sign_in(client, email, "wrong wrong wrong")


@pytest.mark.parametrize("way", [sign_up, wrong_password, ask_for_a_new_password])
def test_known_and_unknown_addresses_are_answered_alike(
    alice: Person, hashes: list[str], way: Callable[[Client, str], HttpResponse]
) -> None:
    a_newcomer("waiting@studio.example")
    answers, work = [], []
    for email in (alice.user.email, UNKNOWN, "waiting@studio.example"):
        client = browser_of()
        hashes.clear()
        first = way(client, email)
        work.append(len(hashes))
        after = client.get(first["Location"]) if first.status_code == 302 else first
        answers.append((seen(first, email), seen(after, email)))
    assert answers[0] == answers[1] == answers[2]
    assert work[0] == work[1] == work[2]


def test_mailbox_of_a_known_address_is_told_who_asked_for_what(alice: Person) -> None:
    sign_up(browser_of(), "Alice@Studio.example", "another password that is long")
    [mail] = mails_to(alice.user.email)
    assert mail.template == "account_known"
    assert "belongs to one already, so nothing was changed" in mail.body
    assert Organization.objects.count() == User.objects.count() == 1
    assert sign_in(browser_of(), alice.user.email)["Location"] == "/home/"


def test_mailbox_of_an_unknown_address_is_told_that_there_is_no_account() -> None:
    ask_for_a_new_password(browser_of(), NEW)
    [mail] = mails_to(NEW)
    assert mail.template == "account_unknown"


def test_nobody_fills_a_mailbox(alice: Person) -> None:
    for number in range(8):
        response = browser_of().post(
            "/account/forgotten/", {"email": alice.user.email}, REMOTE_ADDR=f"198.51.{number}.1"
        )
        assert response["Location"] == "/account/forgotten/sent/"
    assert len(mails_to(alice.user.email)) == 5
