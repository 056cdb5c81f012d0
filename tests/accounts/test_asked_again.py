"""Grave deeds need somebody who showed lately who they are; whoever did so goes on where they were."""

from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from pytest_django import Settings

from accounts.models import ApiKey, DataExport, ExportState, Organization, Role
from tests.accounts.signing.steps import code_of, forget_when, signed_in, switch_on
from tests.accounts.team.team import role_of
from tests.cast import Person, join, new_key
from tests.config.keys.steps import FIELDS, form_id
from tests.makers import ago
from tests.page_forms import forms_of
from tests.pages import browser_of, text_of
from tests.passwords import PASSWORD

pytestmark = pytest.mark.django_db
ASKED = "/account/again/"


@pytest.fixture
def stale(alice: Person) -> Client:
    """Alice's browser, an hour after she signed in."""
    client = browser_of(alice)
    forget_when(client)
    return client


def show(client: Client, asked: str) -> str:
    """Types the password; where that leads."""
    query = parse_qs(urlsplit(asked).query)
    response = client.post(asked, {"password": PASSWORD, "next": query["next"][0]})
    assert response.status_code == 302, text_of(response)
    return str(response["Location"])


def test_deleting_the_organization_is_asked_for_before_its_form(stale: Client, alice: Person) -> None:
    path, name = "/settings/delete/", {"name": alice.organization.name}
    for response in (stale.get(path), stale.post(path, name)):
        assert response["Location"] == f"{ASKED}?next=%2Fsettings%2Fdelete%2F"
    assert not Organization.objects.exclude(closing_at=None).exists()
    assert show(stale, response["Location"]) == path
    assert stale.get(path).status_code == 200
    stale.post(path, name)
    assert Organization.objects.exclude(closing_at=None).exists()


def test_export_is_asked_for_and_fetched_by_who_showed_who_they_are(stale: Client, alice: Person) -> None:
    path = "/settings/export/"
    assert stale.get(path).status_code == 200
    asked = stale.post(path)["Location"]
    assert asked.startswith(ASKED)
    assert not DataExport.objects.exists()
    export = DataExport.objects.create(
        organization=alice.organization, asked_by=alice.user, state=ExportState.READY, expires_at=ago(-60)
    )
    assert stale.get(f"{path}{export.public_id}/")["Location"] == asked
    assert show(stale, asked) == path
    stale.post(path)
    assert DataExport.objects.count() == 2


def test_ownership_is_given_and_taken_by_who_showed_who_they_are(
    stale: Client, alice: Person, bob: Person
) -> None:
    path = f"/team/{bob.user.uuid}/"
    sent = {"seen": Role.DEVELOPER.value, "role": Role.OWNER.value}
    asked = stale.post(path, sent)["Location"]
    assert asked.startswith(ASKED)
    assert role_of(bob) == Role.DEVELOPER
    assert show(stale, asked) == path
    page = stale.get(path).content.decode()
    assert '<option value="owner" selected>' in page  # as they had chosen
    assert '<option value="developer" selected>' in stale.get(path).content.decode()
    stale.post(path, sent)
    assert role_of(bob) == Role.OWNER
    forget_when(stale)
    assert stale.post(path, {"seen": "owner", "role": "viewer"})["Location"].startswith(ASKED)
    assert stale.post(f"{path}remove/")["Location"] == asked
    assert role_of(bob) == Role.OWNER


def test_other_roles_are_given_without_asking(stale: Client, bob: Person) -> None:
    stale.post(f"/team/{bob.user.uuid}/", {"seen": "developer", "role": "viewer"})
    assert role_of(bob) == Role.VIEWER


def test_key_that_manages_is_made_by_who_showed_who_they_are_and_the_form_waits(stale: Client) -> None:
    path = "/keys/new/"
    wished = FIELDS | {
        "form_id": form_id(stale),
        "name": "Deploys",
        "livemode": "test",
        "scopes": ["admin"],
        "day_cap": "12",
        "allowed_addresses": "203.0.113.7",
    }
    asked = stale.post(path, wished)["Location"]
    assert asked.startswith(ASKED)
    assert not ApiKey.objects.exists()
    assert show(stale, asked) == path
    page = stale.get(path)
    text = page.content.decode()
    assert 'value="Deploys"' in text
    assert "203.0.113.7</textarea>" in text
    assert 'name="livemode" value="test" checked' in text
    assert 'name="scopes" value="admin" checked' in text
    assert 'name="scopes" value="read" checked' not in text
    [form] = [form for form in forms_of(text) if form.action == path]
    assert form.fields["day_cap"] == "12"
    assert "Deploys" not in stale.get(path).content.decode()  # once
    assert stale.post(path, wished).status_code == 200
    assert ApiKey.objects.get().scopes == ["admin"]


def test_other_keys_are_made_without_asking(stale: Client) -> None:
    assert stale.post("/keys/new/", FIELDS | {"form_id": form_id(stale)}).status_code == 200
    assert ApiKey.objects.get().scopes == ["generate", "read"]


def test_key_is_widened_or_replaced_by_who_showed_who_they_are(stale: Client, alice: Person) -> None:
    key, _secret = new_key(alice, name="ci")
    path = f"/keys/{key.public_id}/"
    wider = FIELDS | {"name": "ci", "scopes": ["read", "admin"]}
    asked = stale.post(path, wider)["Location"]
    assert asked.startswith(ASKED)
    key.refresh_from_db()
    assert "admin" not in key.scopes
    show(stale, asked)
    assert 'value="admin" checked' in stale.get(path).content.decode()
    stale.post(path, wider)
    key.refresh_from_db()
    assert key.scopes == ["read", "admin"]
    forget_when(stale)
    assert stale.post(path, wider | {"name": "other"})["Location"] == "/keys/"  # nothing is widened by that
    assert stale.post(f"{path}rotate/", {"overlap": 0})["Location"] == asked
    assert ApiKey.objects.count() == 1


def test_password_that_is_wrong_opens_nothing(stale: Client) -> None:
    asked = stale.get("/settings/delete/")["Location"]
    assert stale.post(asked, {"password": "wrong", "next": "/settings/delete/"}).status_code == 200
    assert stale.get("/settings/delete/")["Location"] == asked


def test_code_of_an_app_does_as_well(alice: Person) -> None:
    client = signed_in(alice)
    switch_on(client)
    forget_when(client)
    client.post("/account/again/code/", {"code": code_of(alice.user), "next": "/settings/delete/"})
    assert client.get("/settings/delete/").status_code == 200
    assert Authenticator.objects.exists()


def test_who_signs_in_elsewhere_alone_is_not_locked_out(stale: Client, alice: Person) -> None:
    alice.user.set_unusable_password()
    alice.user.save()
    fresh = browser_of(alice)
    stale = browser_of(alice)
    forget_when(stale)
    answer = stale.get("/settings/delete/", follow=True)
    assert "sign out and in again first" in text_of(answer)
    assert fresh.get("/settings/delete/").status_code == 200  # who did so


@pytest.mark.parametrize("minutes", [1, 600])
def test_how_long_it_counts_is_a_setting(stale: Client, settings: Settings, minutes: int) -> None:
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = minutes * 60
    assert stale.get("/settings/delete/").status_code == (302 if minutes < 60 else 200)


def test_admins_who_may_not_are_refused_and_not_asked(alice: Person) -> None:
    admin = join("amy@studio.example", alice.organization, Role.ADMIN)
    client = browser_of(admin)
    forget_when(client)
    assert client.get("/settings/delete/").status_code == 403
