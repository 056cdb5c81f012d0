"""Passkeys without a browser: what is no passkey is refused in plain words; tests/browser has the real ones."""

import itertools
import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import scale
from tests.accounts.signing.steps import sign_in, signed_in, switch_on, told
from tests.cast import Person
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db
NEW, SIGN_IN, SECOND = "/account/passkeys/new/", "/sign-in/passkey/", "/sign-in/second-factor/"
_numbers = itertools.count(1)
HANDLE = "MQ"  # of the person with the id 1
NONSENSE = [
    "",
    "null",
    "[]",
    "{}",
    "1",
    '"x"',
    "not json",
    "[" * 100_000,
    '{"id": 5}',
    json.dumps({"id": 2**62, "rawId": 2**62, "type": "public-key", "response": {"signature": 2**62}}),
    json.dumps({"id": "AA", "response": {"clientDataJSON": [[{"x": 2**62}]]}}),
    json.dumps({"id": "x", "rawId": "x", "type": "public-key", "response": {}}),
    json.dumps({"id": "AA", "rawId": "AA", "type": "public-key", "response": {"userHandle": "AA"}}),
    json.dumps({"id": "AA", "rawId": "AA", "type": "public-key", "response": {"userHandle": {"x": 1}}}),
    json.dumps(
        {
            "id": "AA",
            "rawId": "AA",
            "type": "public-key",
            "response": {
                "clientDataJSON": "e30",
                "authenticatorData": "AA",
                "attestationObject": "oA",
                "signature": "AA",
                "userHandle": HANDLE,
            },
        }
    ),
]


def test_challenge_names_our_address_whatever_host_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(django_settings, "PUBLIC_URL", "https://shop.example")
    monkeypatch.setattr(django_settings, "UNKNOWN_HOSTS", "first")
    options = browser_of().get(SIGN_IN, HTTP_HOST="evil.example").json()["request_options"]["publicKey"]
    assert options["rpId"] == "shop.example"
    assert options["userVerification"] == "required"


@pytest.mark.parametrize("sent", NONSENSE)
def test_what_is_no_passkey_signs_nobody_in(alice: Person, sent: str) -> None:
    client = browser_of()
    client.get(SIGN_IN)
    response = client.post(SIGN_IN, {"credential": sent})
    assert (response.status_code, response["Location"]) == (302, "/sign-in/")
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("sent", NONSENSE)
def test_what_is_no_passkey_is_not_added(alice: Person, sent: str) -> None:
    client = signed_in(alice)
    client.get(NEW)
    response = client.post(NEW, {"name": "Key", "credential": sent, "passwordless": "on"})
    assert response.status_code == 200
    assert 'value="Key"' in response.content.decode()
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("sent", NONSENSE)
def test_what_is_no_passkey_is_no_second_factor(alice: Person, sent: str) -> None:
    switch_on(signed_in(alice))
    client = browser_of()
    sign_in(client, alice.user.email)
    client.get(SECOND)
    assert client.post(SECOND, {"credential": sent}).status_code == 200
    assert client.get("/playground/").status_code == 302


members: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("oA"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "rawId", "type", "response", "clientDataJSON", "userHandle", "attestationObject"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=scale.count(15, 400), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=members)
def test_anything_at_all_is_answered(db: None, sent: Any) -> None:
    client, address = browser_of(), f"2001:db8:{next(_numbers):x}::1"
    client.get(SIGN_IN)
    response = client.post(SIGN_IN, {"credential": json.dumps(sent)}, REMOTE_ADDR=address)
    assert (response.status_code, response["Location"]) == (302, "/sign-in/")


def test_pages_of_others_keys_are_not_there(alice: Person, charlie: Person) -> None:
    key = Authenticator.objects.create(user=charlie.user, type="webauthn", data={"name": "Theirs"})
    client = signed_in(alice)
    for page in (f"/account/passkeys/{key.pk}/", f"/account/passkeys/{key.pk}/remove/"):
        for response in (client.get(page), client.post(page, {"name": "Mine"})):
            assert response.status_code == 404
    key.refresh_from_db()
    assert key.data == {"name": "Theirs"}


def test_passkey_that_is_removed_ends_other_sessions_and_is_noted(alice: Person) -> None:
    client, other = signed_in(alice), signed_in(alice)
    key = Authenticator.objects.create(user=alice.user, type="webauthn", data={"name": "<b>Key</b>"})
    assert "&lt;b&gt;Key" in client.get(f"/account/passkeys/{key.pk}/remove/").content.decode()
    client.post(f"/account/passkeys/{key.pk}/", {"name": "x" * 81})
    client.post(f"/account/passkeys/{key.pk}/", {"name": "Thumb"})
    key.refresh_from_db()
    assert key.data == {"name": "Thumb"}
    assert client.post(f"/account/passkeys/{key.pk}/remove/")["Location"] == "/account/second-factor/"
    assert not Authenticator.objects.exists()
    assert other.get("/playground/").status_code == 302
    assert told(alice)[-1] == "passkey_removed"


def test_row_that_holds_no_passkey_is_told_of_wherever_one_would_be_used(
    alice: Person, charlie: Person
) -> None:
    told_so = "A passkey of yours cannot be read any more, so none can be used until it is removed."
    client = signed_in(alice)
    codes = switch_on(client)
    row = Authenticator.objects.create(user=alice.user, type="webauthn", data={"name": "Old"})
    for page in ("/account/again/passkey/", NEW):
        for answer in (client.get(page), client.post(page, {"name": "Key", "credential": NONSENSE[-1]})):
            assert (answer.status_code, told_so in text_of(answer)) == (200, True), page
            assert "data-passkey" not in answer.content.decode()
    assert "cannot be read any more: remove it" in text_of(client.get("/account/second-factor/"))
    other = browser_of()
    sign_in(other, alice.user.email)
    for answer in (other.get(SECOND), other.post(SECOND, {"credential": NONSENSE[-1]})):
        assert (answer.status_code, told_so in text_of(answer)) == (200, True)
        assert "Enter a code here, then remove it under Your account." in text_of(answer)
    assert other.post(SECOND, {"code": codes[0]})["Location"] == "/home/"
    assert other.post(f"/account/passkeys/{row.pk}/remove/")["Location"] == "/account/second-factor/"
    assert 'data-passkey="add"' in other.get(NEW).content.decode()
    # Who has nothing else reads whom to ask.
    Authenticator.objects.create(user=charlie.user, type="webauthn", data={})
    stranded = browser_of()
    sign_in(stranded, charlie.user.email)
    assert "ask the operator of this shop to take your second factors away" in text_of(stranded.get(SECOND))


def test_data_for_scripts_stand_in_attributes(alice: Person) -> None:
    page = signed_in(alice).get(NEW)
    html = page.content.decode()
    assert 'data-options="{&quot;publicKey&quot;:' in html
    assert "application/json" not in html
    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert "Tintype" in text_of(page)
