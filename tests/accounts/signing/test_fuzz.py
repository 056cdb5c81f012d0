"""Whatever is sent to the forms of sign-up, sign-in and one's own account, it is answered."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import scale
from tests.accounts.signing.steps import signed_in
from tests.cast import Person
from tests.pages import browser_of

pytestmark = pytest.mark.django_db
quietly = settings(
    max_examples=scale.count(10, 300), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
_numbers = itertools.count(1)
words = st.text(max_size=40) | st.sampled_from(
    [
        "",
        "alice@studio.example",
        "a" * 300,
        "\x00",
        "\u202e@x.example",
        "on",
        "1",
        "9" * 30,
        "/credits/",
        "//evil.example",
    ]
)
NAMES = [
    "email",
    "password",
    "password1",
    "oldpassword",
    "organization",
    "accept",
    "terms",
    "next",
    "code",
    "name",
]
NAMES += [
    "credential",
    "passwordless",
    "account",
    "action_add",
    "action_send",
    "action_remove",
    "action_primary",
]
fields = st.dictionaries(st.sampled_from(NAMES), words, max_size=8)
FOR_STRANGERS = [
    "/sign-in/",
    "/sign-in/passkey/",
    "/sign-in/second-factor/",
    "/sign-up/",
    "/account/forgotten/",
]
FOR_STRANGERS += ["/account/confirm/MQ:x/", "/account/forgotten/1-abc/", "/account/forgotten/1-set-password/"]
OWN = ["address/", "password/", "password/first/", "again/", "again/code/", "again/passkey/", "sessions/"]
OWN += [
    "second-factor/app/",
    "second-factor/app/off/",
    "second-factor/codes/new/",
    "passkeys/new/",
    "passkeys/1/",
]


def is_answered(client: Any, page: str, sent: dict[str, str]) -> None:
    address = f"2001:db8:{next(_numbers):x}::1"
    for response in (
        client.post(page, sent, REMOTE_ADDR=address),
        client.get(page, sent, REMOTE_ADDR=address),
    ):
        assert response.status_code < 500
        assert not response.headers.get("Location", "/").startswith(("//", "http"))


@quietly
@given(page=st.sampled_from(FOR_STRANGERS), sent=fields)
def test_forms_for_strangers(db: None, page: str, sent: dict[str, str]) -> None:
    is_answered(browser_of(), page, sent)


@quietly
@given(page=st.sampled_from(OWN), sent=fields)
def test_forms_of_ones_own_account(alice: Person, page: str, sent: dict[str, str]) -> None:
    client = browser_of(alice)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": 9e9}]
    session["account_authentication_methods_user"] = str(alice.user.pk)
    session.save()
    is_answered(client, f"/account/{page}", sent)
    alice.user.refresh_from_db()


@quietly
@given(key=st.text(max_size=60))
def test_links_of_mails(db: None, key: str) -> None:
    for page in ("/account/confirm/", "/account/forgotten/1-", "/mails/", "/invitations/"):
        for response in (browser_of().get(page + key), browser_of().post(page + key + "/")):
            assert response.status_code < 500 or response.status_code == 503


def test_the_session_that_was_made_by_hand_is_one(alice: Person) -> None:
    assert signed_in(alice).session["account_authentication_methods_user"] == str(alice.user.pk)
