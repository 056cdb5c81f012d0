"""Signing up and in with an account elsewhere."""

from collections.abc import Iterator
from typing import cast
from urllib.parse import parse_qsl, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts import shops
from accounts.models import Membership, ShopDomain, User
from accounts.signing import social
from config.doctor import shops as of_shops
from tests import branded
from tests.accounts.signing import elsewhere
from tests.accounts.signing.elsewhere import Github
from tests.accounts.signing.steps import (
    NEW,
    addresses_of,
    code_of,
    forget_when,
    mails_to,
    sign_in,
    signed_in,
    switch_on,
    told,
)
from tests.cast import Person
from tests.pages import browser_of, text_of
from tests.several import browser_at

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server() -> Iterator[Github]:
    with elsewhere.running(Github) as running:
        yield running


@pytest.fixture
def github(server: Github, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Github:
    """With credentials for it; only its address is another one."""
    settings.PUBLIC_URL = "http://testserver:8000"
    shops.forget()
    fresh = Github()
    server.person, server.emails, server.exchanged = fresh.person, fresh.emails, []
    settings.SOCIALACCOUNT_PROVIDERS = {
        "github": {"APP": {"client_id": "id-1", "secret": "s-1"}, "OAUTH_PKCE_ENABLED": True}
    }
    for name, path in {
        "access_token_url": "/login/oauth/access_token",
        "profile_url": "/user",
        "emails_url": "/user/emails",
    }.items():
        monkeypatch.setattr(social.GithubAdapter, name, f"{server.url}{path}")
    return server


def begin(client: Client, **environ: str) -> dict[str, str]:
    """What the other side is asked with."""
    response = client.post("/sign-in/github/?process=login", **environ)  # type: ignore[arg-type]
    assert response["Location"].startswith("https://github.com/login/oauth/authorize?")
    return dict(parse_qsl(urlsplit(response["Location"]).query))


def come_back(client: Client, state: str, code: str = "right") -> HttpResponse:
    return cast(HttpResponse, client.get("/sign-in/github/back/", {"state": state, "code": code}))


def go_there(client: Client) -> HttpResponse:
    return come_back(client, begin(client)["state"])


def test_without_credentials_there_is_nothing_of_it(db: None) -> None:
    client = browser_of()
    assert "GitHub" not in text_of(client.get("/sign-in/"))
    for page in ("/sign-in/github/", "/sign-in/google/", "/sign-in/github/back/", "/account/elsewhere/"):
        assert client.get(page).status_code == client.post(page).status_code == 404


def test_other_shops_offer_it_only_where_the_other_side_knows_their_address(
    github: Github, settings: Settings
) -> None:
    shop = branded.a_shop("prints.example", branded.PRINTS)
    client = browser_at(shop)
    page = client.get("/sign-in/")
    assert "GitHub" not in text_of(page)
    assert "github.com" not in page["Content-Security-Policy"]
    for path in ("/sign-in/github/", "/sign-in/github/back/"):
        assert client.get(path).status_code == client.post(path).status_code == 404
    settings.SOCIAL_HOSTS = ["prints.example"]
    assert "GitHub" in text_of(client.get("/sign-in/"))
    asked = begin(client)
    assert asked["redirect_uri"] == "http://prints.example:8000/sign-in/github/back/"
    assert "GitHub" not in text_of(browser_of().get("/sign-in/"))


def test_further_hosts_of_a_shop_offer_nothing_since_people_come_back_to_another(
    github: Github, settings: Settings
) -> None:
    shop = branded.a_shop("prints.example", branded.PRINTS)
    ShopDomain.objects.create(shop=shop, host="drucke.example")
    settings.SOCIAL_HOSTS = ["prints.example", "drucke.example"]
    shops.forget()
    client = browser_at(shop)
    assert "GitHub" in text_of(client.get("/sign-in/"))
    client.defaults["HTTP_HOST"] = "drucke.example"
    assert "GitHub" not in text_of(client.get("/sign-in/"))
    for path in ("/sign-in/github/", "/sign-in/github/back/"):
        assert client.get(path).status_code == client.post(path).status_code == 404


def test_doctor_names_the_addresses_to_register_and_hosts_that_are_of_no_use(
    github: Github, settings: Settings
) -> None:
    branded.a_shop("prints.example", branded.PRINTS)
    said = [str(one) for one in of_shops.look()]
    assert any("http://testserver:8000/sign-in/github/back/" in one for one in said)
    assert not any("prints.example:8000/sign-in" in one for one in said)
    settings.SOCIAL_HOSTS = ["prints.example", "elsewhere.example"]
    said = [str(one) for one in of_shops.look()]
    assert any("http://prints.example:8000/sign-in/github/back/" in one for one in said)
    assert not any("testserver:8000/sign-in" in one for one in said)
    assert any("SOCIAL_HOSTS names elsewhere.example" in one for one in said)


def test_pages_offer_it_and_their_policy_lets_the_form_lead_there(github: Github) -> None:
    for page in ("/sign-in/", "/sign-up/", "/sign-in/github/"):
        response = browser_of().get(page)
        assert "GitHub" in text_of(response)
        assert "form-action 'self' https://github.com" in response["Content-Security-Policy"]
    assert "Google" not in text_of(browser_of().get("/sign-in/"))


def test_new_person_is_asked_for_the_organization_and_is_in(github: Github) -> None:
    client = browser_of()
    assert go_there(client)["Location"] == "/sign-up/elsewhere/"
    assert NEW in text_of(client.get("/sign-up/elsewhere/"))
    sent = {"organization": "Harbour", "email": "evil@elsewhere.example"}
    assert client.post("/sign-up/elsewhere/", sent)["Location"] == "/home/"
    user = User.objects.get()
    assert (user.email, user.name) == (NEW, "Dora <b>Dock</b>")
    assert user.email_confirmed_at is not None
    assert addresses_of(user) == [(NEW, True, True)]
    assert Membership.objects.get(user=user).organization.name == "Harbour"
    assert client.get("/playground/").status_code == 200
    assert told(user) == ["account_connected", "signed_in"]
    account = SocialAccount.objects.get()
    assert account.extra_data == {"name": "dora"}
    assert not SocialToken.objects.exists()
    again = browser_of()
    assert go_there(again)["Location"] == "/home/"
    assert mails_to(NEW) == []


def test_it_comes_back_to_our_address_and_is_nothing_at_any_other(github: Github, settings: Settings) -> None:
    settings.UNKNOWN_HOSTS = "first"
    assert browser_of().post("/sign-in/github/?process=login", HTTP_HOST="evil.example").status_code == 404
    asked = begin(browser_of(), HTTP_HOST="TESTSERVER:81")
    assert asked["redirect_uri"] == "http://testserver:8000/sign-in/github/back/"
    assert (asked["client_id"], asked["code_challenge_method"]) == ("id-1", "S256")


def test_who_has_an_account_signs_in_to_it_first(github: Github, alice: Person) -> None:
    github.emails = [{"email": alice.user.email, "primary": True, "verified": True}]
    client = browser_of()
    go_there(client)
    response = client.post("/sign-up/elsewhere/", {})
    assert "You have an account with this address" in text_of(response)
    assert "_auth_user_id" not in client.session
    assert User.objects.count() == 1


@pytest.mark.parametrize("emails", [[], [{"email": NEW, "primary": True, "verified": False}]])
def test_address_that_is_not_confirmed_there_opens_nothing(
    github: Github, emails: list[dict[str, object]]
) -> None:
    github.emails = emails
    response = go_there(browser_of())
    assert response.status_code == 403
    assert "There is no confirmed address" in text_of(response)
    assert not User.objects.exists()


def test_rules_of_sign_up_hold_here_as_well(github: Github, settings: Settings) -> None:
    settings.SIGN_UP_DOMAINS = ["studio.example"]
    client = browser_of()
    go_there(client)
    assert "Only addresses of these domains" in text_of(client.post("/sign-up/elsewhere/", {}))
    settings.SIGN_UP = "closed"
    assert "opened by invitation" in text_of(go_there(browser_of()))
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"error": "access_denied"},
        {"error": "server_error"},
        {"state": "x", "code": "right"},
        {"code": "wrong"},
    ],
)
def test_what_goes_wrong_is_said_and_signs_nobody_in(github: Github, answer: dict[str, str]) -> None:
    client = browser_of()
    state = begin(client)["state"]
    response = client.get("/sign-in/github/back/", {"state": state, **answer}, follow=True)
    assert ("That did not work" in text_of(response)) != ("Nothing was done" in text_of(response))
    assert "_auth_user_id" not in client.session


def test_answer_that_was_made_for_somebody_else_is_not_taken(github: Github) -> None:
    state = begin(browser_of())["state"]
    response = come_back(browser_of(), state)
    assert (response.status_code, github.exchanged) == (401, [])


def test_connecting_needs_to_be_you_and_is_noted(github: Github, alice: Person) -> None:
    client = signed_in(alice)
    page = client.get("/account/elsewhere/")
    assert "None is connected" in text_of(page)
    response = client.post("/sign-in/github/?process=connect&next=/account/elsewhere/")
    state = dict(parse_qsl(urlsplit(response["Location"]).query))["state"]
    assert come_back(client, state)["Location"] == "/account/elsewhere/"
    assert "GitHub" in text_of(client.get("/account/elsewhere/"))
    assert told(alice) == ["signed_in", "account_connected"]
    other = browser_of()
    assert go_there(other)["Location"] == "/home/"
    account = SocialAccount.objects.get()
    forget_when(client)
    response = client.post("/account/elsewhere/", {"account": account.pk})
    assert response["Location"].startswith("/account/again/")
    assert client.post(response["Location"], {"password": "correct horse battery staple"}).status_code == 302
    client.post("/account/elsewhere/", {"account": account.pk})
    assert not SocialAccount.objects.exists()
    assert told(alice)[-1] == "account_disconnected"


def test_last_way_in_is_not_taken_away(github: Github) -> None:
    client = browser_of()
    go_there(client)
    client.post("/sign-up/elsewhere/", {})
    response = client.post("/account/elsewhere/", {"account": SocialAccount.objects.get().pk})
    assert "no password" in text_of(response)
    assert SocialAccount.objects.exists()


def test_accounts_of_others_are_not_disconnected(github: Github, alice: Person, charlie: Person) -> None:
    theirs = SocialAccount.objects.create(user=charlie.user, provider="github", uid="9")
    client = signed_in(alice)
    assert client.post("/account/elsewhere/", {"account": theirs.pk}).status_code == 200
    assert SocialAccount.objects.exists()


def test_second_factor_is_asked_for_here_as_well(github: Github, alice: Person) -> None:
    SocialAccount.objects.create(user=alice.user, provider="github", uid="7")
    switch_on(signed_in(alice))
    client = browser_of()
    assert go_there(client)["Location"] == "/sign-in/second-factor/"
    client.post("/sign-in/second-factor/", {"code": code_of(alice.user)})
    assert client.get("/playground/").status_code == 200


def test_who_was_shut_out_does_not_get_in(github: Github, alice: Person) -> None:
    SocialAccount.objects.create(user=alice.user, provider="github", uid="7")
    User.objects.update(is_active=False)
    client = browser_of()
    assert go_there(client)["Location"] == "/sign-in/"
    assert sign_in(client, alice.user.email).status_code == 400
