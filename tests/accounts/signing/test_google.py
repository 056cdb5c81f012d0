"""Signing up and in with Google, which tells who somebody is in a signed token; the rest is as with GitHub."""

from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts import shops
from accounts.models import User
from accounts.signing import social
from tests.accounts.signing import elsewhere
from tests.accounts.signing.elsewhere import Google
from tests.accounts.signing.steps import NEW, addresses_of, told
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server() -> Iterator[Google]:
    with elsewhere.running(Google) as running:
        yield running


@pytest.fixture
def google(server: Google, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Google:
    """With credentials for it; only its address is another one."""
    server.claims, server.exchanged = elsewhere.google_claims(), []
    settings.PUBLIC_URL = "http://testserver:8000"
    shops.forget()
    settings.SOCIALACCOUNT_PROVIDERS = {
        "google": {"APP": {"client_id": "id-2", "secret": "s-2"}, "OAUTH_PKCE_ENABLED": True}
    }
    monkeypatch.setattr(social.GoogleAdapter, "access_token_url", f"{server.url}/token")
    return server


def go_there(client: Client, code: str = "right") -> HttpResponse:
    response = client.post("/sign-in/google/?process=login")
    address = urlsplit(response["Location"])
    asked = dict(parse_qsl(address.query))
    assert (address.scheme, address.netloc) == ("https", "accounts.google.com")
    assert asked["redirect_uri"] == "http://testserver:8000/sign-in/google/back/"
    assert set(asked["scope"].split()) == {"profile", "email"}
    sent = {"state": asked["state"], "code": code}
    return cast(HttpResponse, client.get("/sign-in/google/back/", sent))


def test_new_person_is_in_and_of_their_profile_a_name_is_kept(google: Google) -> None:
    client = browser_of()
    assert go_there(client)["Location"] == "/sign-up/elsewhere/"
    [exchanged] = google.exchanged
    assert exchanged["client_id"] == "id-2"
    assert exchanged["code_verifier"]
    assert exchanged["redirect_uri"] == "http://testserver:8000/sign-in/google/back/"
    assert NEW in text_of(client.get("/sign-up/elsewhere/"))
    assert client.post("/sign-up/elsewhere/", {"organization": "Harbour"})["Location"] == "/home/"
    user = User.objects.get()
    assert (user.email, user.name) == (NEW, "Dora <b>Dock</b>")
    assert user.email_confirmed_at is not None
    assert addresses_of(user) == [(NEW, True, True)]
    account = SocialAccount.objects.get()
    assert (account.uid, account.extra_data) == ("1234567890", {"name": NEW})
    assert not SocialToken.objects.exists()
    assert told(user) == ["account_connected", "signed_in"]


def test_who_comes_again_is_known_by_their_number_and_not_by_their_address(google: Google) -> None:
    first = browser_of()
    go_there(first)
    first.post("/sign-up/elsewhere/", {})
    google.claims["email"] = "renamed@harbour.example"
    again = browser_of()
    assert go_there(again)["Location"] == "/home/"
    assert again.get("/playground/").status_code == 200
    assert User.objects.get().email == NEW


def test_address_that_is_not_confirmed_there_opens_nothing(google: Google) -> None:
    google.claims["email_verified"] = False
    response = go_there(browser_of())
    assert response.status_code == 403
    assert "There is no confirmed address" in text_of(response)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "claims", [{"aud": "somebody-else"}, {"iss": "https://evil.example"}, {"exp": 1_000_000_000}]
)
def test_token_that_is_not_for_us_signs_nobody_in(google: Google, claims: dict[str, Any]) -> None:
    google.claims |= claims
    client = browser_of()
    assert "That did not work" in text_of(go_there(client))
    assert "_auth_user_id" not in client.session
    assert client.get("/sign-up/elsewhere/").status_code == 302


def test_code_that_google_does_not_know_signs_nobody_in(google: Google) -> None:
    client = browser_of()
    assert "That did not work" in text_of(go_there(client, "wrong"))
    assert "_auth_user_id" not in client.session
