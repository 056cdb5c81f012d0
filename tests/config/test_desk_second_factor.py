"""A password alone opens no page of the desk."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as real
from django.test import Client
from django.urls import URLPattern, URLResolver
from django.urls.resolvers import RegexPattern
from pytest_django import Settings

from accounts.models import User
from tests.accounts.signing.steps import code_of, sign_in, signed_in, switch_on
from tests.cast import Person
from tests.config.test_settings_boot import settings_with
from tests.operators import desk_of, operator
from tests.pages import browser_of, text_of
from tests.passwords import PASSWORD

SETUP = "/account/second-factor/"
AGAIN = "/account/again/code/?next="
# Which show nothing, and lead to pages that look for themselves.
LEAD_ON = {"/admin/login/"}


@pytest.fixture
def required(settings: Settings) -> None:
    settings.STAFF_SECOND_FACTOR = True


@pytest.fixture
def alice_at_desk(required: None, alice: Person) -> Client:
    """She signed in with a code of her app."""
    User.objects.filter(pk=alice.user.pk).update(is_staff=True, is_superuser=True)
    switch_on(signed_in(alice))
    client = browser_of()
    sign_in(client, alice.user.email)
    client.post("/sign-in/second-factor/", {"code": code_of(alice.user)})
    return client


def addresses(resolver: URLResolver | None = None, prefix: str = "/") -> Iterator[str]:
    """Every one of the desk, with something in place of what it takes."""
    for pattern in (resolver or URLResolver(RegexPattern(r"^/"), real.ROOT_URLCONF)).url_patterns:
        text = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, text)
        elif isinstance(pattern, URLPattern) and text.startswith("/admin/"):
            for name in pattern.pattern.converters:
                start = text.index("<")
                text = text[:start] + ("1" if name else "") + text[text.index(">") + 1 :]
            yield text.replace("(?P<url>.*)$", "nothing/").replace("(?P<app_label>", "").replace(")/$", "/")


def test_every_address_leads_staff_without_one_to_where_it_is_set_up(db: None, required: None) -> None:
    user = operator()
    client = desk_of(user)
    found = list(addresses())
    assert len(found) > 60
    for path in found:
        answers = [client.get(path), client.post(path)]
        wanted = "/admin/" if path in LEAD_ON else SETUP
        assert [(one.status_code, one.headers.get("Location")) for one in answers] == [(302, wanted)] * 2, (
            path
        )
    page = client.get(SETUP)
    assert "whoever learns an operator's password alone" in text_of(page)


def test_every_address_asks_for_one_that_the_session_did_not_use(db: None, required: None) -> None:
    user = operator()
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": "x"})
    client = desk_of(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    for path in addresses():
        if path in LEAD_ON:
            continue
        assert client.get(path).headers["Location"].startswith(AGAIN), path
        assert client.post(path).headers["Location"] == f"{AGAIN}%2Fadmin%2F", path


def test_who_signed_in_with_a_code_is_in(alice_at_desk: Client) -> None:
    assert alice_at_desk.get("/admin/").status_code == 200
    assert "To the operator's desk" in text_of(alice_at_desk.get(SETUP))


def test_who_sets_one_up_is_in_at_once(required: None, alice: Person) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_staff=True, is_superuser=True)
    client = signed_in(alice)
    assert client.get("/admin/")["Location"] == SETUP
    switch_on(client)
    assert client.get("/admin/").status_code == 200


def test_who_shows_it_later_comes_back_to_where_they_were(alice_at_desk: Client, alice: Person) -> None:
    session = alice_at_desk.session
    session["account_authentication_methods"] = []
    session.save()
    asked = alice_at_desk.get("/admin/billing/payment/?q=1")["Location"]
    assert asked == f"{AGAIN}%2Fadmin%2Fbilling%2Fpayment%2F%3Fq%3D1"
    by_password = {"password": PASSWORD, "next": "/admin/"}
    assert alice_at_desk.post("/account/again/", by_password)["Location"] == "/admin/"
    assert alice_at_desk.get("/admin/").status_code == 302  # that was the first one once more
    sent = {"code": code_of(alice.user, steps_ahead=1), "next": "/admin/billing/payment/?q=1"}
    assert alice_at_desk.post("/account/again/code/", sent)["Location"] == "/admin/billing/payment/?q=1"
    assert alice_at_desk.get("/admin/").status_code == 200


def test_what_was_taken_away_opens_nothing_any_more(alice_at_desk: Client) -> None:
    Authenticator.objects.all().delete()
    assert alice_at_desk.get("/admin/")["Location"] == SETUP


def test_customers_hear_nothing_of_it(required: None, alice: Person) -> None:
    client = browser_of(alice)
    assert client.get("/admin/").status_code == 404
    assert "operator" not in text_of(client.get(SETUP))


def test_a_demo_asks_for_none(db: None, settings: Settings) -> None:
    assert settings.STAFF_SECOND_FACTOR is False
    assert desk_of(operator()).get("/admin/").status_code == 200


@pytest.mark.parametrize(
    ("variables", "is_on"),
    [({}, False), ({"DEMO": "0"}, True), ({"DEMO": "0", "STAFF_SECOND_FACTOR": "0"}, False)],
)
def test_it_is_on_unless_it_is_a_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], is_on: bool
) -> None:
    assert settings_with(tmp_path, monkeypatch, **variables)["STAFF_SECOND_FACTOR"] is is_on
