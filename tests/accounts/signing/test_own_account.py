"""One's own password and address: changed by who has just shown who they are."""

from typing import cast

import pytest
from allauth.account.models import EmailAddress
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.accounts.signing.steps import (
    NEW,
    a_newcomer,
    addresses_of,
    confirm_path,
    forget_when,
    mails_to,
    sign_in,
    sign_up,
    signed_in,
    told,
)
from tests.cast import Person
from tests.pages import browser_of, text_of
from tests.passwords import PASSWORD

pytestmark = pytest.mark.django_db
OTHER = "seven quiet harbours at dawn"
PAGES = [
    "/account/",
    "/account/address/",
    "/account/password/",
    "/account/password/first/",
    "/account/again/",
    "/account/again/code/",
    "/account/again/passkey/",
    "/account/sessions/",
    "/account/second-factor/",
    "/account/second-factor/app/",
    "/account/second-factor/app/off/",
    "/account/second-factor/codes/",
    "/account/second-factor/codes/new/",
    "/account/second-factor/codes/file/",
    "/account/passkeys/",
    "/account/passkeys/new/",
    "/account/passkeys/1/",
    "/account/passkeys/1/remove/",
]


def change_password(client: Client, old: str = PASSWORD, new: str = OTHER) -> HttpResponse:
    return cast(HttpResponse, client.post("/account/password/", {"oldpassword": old, "password1": new}))


def change_address(client: Client, email: str = NEW) -> HttpResponse:
    return cast(HttpResponse, client.post("/account/address/", {"action_add": "", "email": email}))


@pytest.mark.parametrize("page", PAGES)
def test_strangers_are_sent_to_the_sign_in(db: None, page: str) -> None:
    for response in (browser_of().get(page), browser_of().post(page)):
        assert (response.status_code, response["Location"]) == (302, f"/sign-in/?next={page}")


def test_account_is_open_to_people_without_an_organization(alice: Person) -> None:
    alice.user.memberships.all().delete()
    client = signed_in(alice)
    assert client.get("/playground/").status_code == 403
    for page in ("/account/", "/account/password/", "/account/sessions/", "/account/address/"):
        assert client.get(page).status_code == 200


# --- The password ---------------------------------------------------------------------------------


def test_password_is_changed_and_other_sessions_end(alice: Person) -> None:
    client, other = signed_in(alice), signed_in(alice)
    assert change_password(client)["Location"] == "/account/"
    page = client.get("/account/")
    assert "Your password is changed. Other sessions have ended." in text_of(page)
    assert other.get("/playground/").status_code == 302
    assert sign_in(browser_of(), alice.user.email, OTHER).status_code == 302
    assert told(alice) == ["signed_in", "signed_in", "password_changed", "signed_in"]
    assert [mail.template for mail in mails_to(alice.user.email)] == ["account_news"]


def test_it_needs_the_present_one_and_tries_are_limited(alice: Person) -> None:
    client = signed_in(alice)
    words = [text_of(change_password(client, "wrong")) for _ in range(12)]
    assert "This is not your present password" in words[0]
    assert "Too many tries. Try again in" in words[-1]
    assert change_password(client).status_code == 200
    assert sign_in(browser_of(), alice.user.email, PASSWORD).status_code == 302


def test_weak_one_is_refused_at_its_field(alice: Person) -> None:
    client = signed_in(alice)
    assert "too short" in text_of(change_password(client, new="short"))
    assert "too similar" in text_of(change_password(client, new="alice@studio.example"))


# --- The address ----------------------------------------------------------------------------------


def test_new_address_takes_the_place_of_the_old_one_when_it_is_confirmed(alice: Person) -> None:
    old = alice.user.email
    client, other = signed_in(alice), signed_in(alice)
    assert change_address(client)["Location"] == "/account/address/"
    assert "takes its place as soon as" in text_of(client.get("/account/address/"))
    assert sign_in(browser_of(), old).status_code == 302
    assert sign_in(browser_of(), NEW).status_code != 200
    assert client.post(confirm_path(NEW))["Location"] == "/account/"
    alice.user.refresh_from_db()
    assert alice.user.email == NEW
    assert addresses_of(alice.user) == [(NEW, True, True)]
    assert other.get("/playground/").status_code == 302
    assert client.get("/playground/").status_code == 200
    assert sign_in(browser_of(), NEW)["Location"] == "/home/"
    assert sign_in(browser_of(), old).status_code == 400
    assert [mail.template for mail in mails_to(old)] == ["account_news"]
    assert "email_changed" in told(alice)


def test_nobody_signs_in_with_an_address_that_waits(alice: Person) -> None:
    change_address(signed_in(alice))
    assert sign_in(browser_of(), NEW)["Location"] == "/sign-up/sent/"


def test_address_that_waits_can_be_forgotten_and_written_to_again(alice: Person) -> None:
    client = signed_in(alice)
    change_address(client)
    client.post("/account/address/", {"action_send": "", "email": NEW})
    assert len(mails_to(NEW)) == 2
    client.post("/account/address/", {"action_remove": "", "email": NEW})
    assert addresses_of(alice.user) == [(alice.user.email, True, True)]
    assert browser_of().get(confirm_path(NEW)).status_code == 404


def test_own_address_cannot_be_removed(alice: Person) -> None:
    client = signed_in(alice)
    client.post("/account/address/", {"action_remove": "", "email": alice.user.email})
    assert addresses_of(alice.user) == [(alice.user.email, True, True)]


def test_address_of_somebody_else_is_answered_like_any_and_only_they_are_told(
    alice: Person, charlie: Person
) -> None:
    client = signed_in(alice)
    assert change_address(client, charlie.user.email)["Location"] == "/account/address/"
    assert [mail.template for mail in mails_to(charlie.user.email)] == ["account_known"]
    assert "takes its place as soon as" in text_of(client.get("/account/address/"))


def test_address_that_somebody_took_meanwhile_is_not_given_away(alice: Person) -> None:
    client = signed_in(alice)
    change_address(client)
    path = confirm_path(NEW)
    sign_up(browser_of(), NEW)
    assert client.post(path)["Location"] == "/account/"
    assert "belongs to another account by now" in text_of(client.get("/account/"))
    alice.user.refresh_from_db()
    assert alice.user.email == "alice@studio.example"
    assert User.objects.count() == 2


def test_address_that_waits_keeps_nobody_from_signing_up_nor_leads_to_a_strangers_account(
    alice: Person,
) -> None:
    change_address(signed_in(alice))
    browser_of().post("/account/forgotten/", {"email": NEW})
    assert [mail.template for mail in mails_to(NEW)] == ["confirm_address", "account_unknown"]
    user = a_newcomer(NEW)
    assert addresses_of(user) == [(NEW, False, True)]


def test_what_is_no_address_is_said_at_the_field(alice: Person) -> None:
    client = signed_in(alice)
    assert "valid email" in text_of(change_address(client, "nothing"))
    assert "This is your address already" in text_of(change_address(client, alice.user.email))
    assert "cannot be used here" in text_of(change_address(client, "a@mailinator.com"))
    assert EmailAddress.objects.count() == 1


# --- Who it is ------------------------------------------------------------------------------------


def test_who_signed_in_long_ago_is_asked_for_the_password_first(alice: Person) -> None:
    client = signed_in(alice)
    forget_when(client)
    asked = client.get("/account/address/")
    assert asked["Location"] == "/account/again/?next=%2Faccount%2Faddress%2F"
    response = change_address(client)
    assert response["Location"] == asked["Location"]
    assert mails_to(NEW) == []
    assert "Nothing was changed yet" in text_of(client.get(asked["Location"]))
    wrong = client.post(asked["Location"], {"password": "wrong"})
    assert "This is not your password" in text_of(wrong)
    assert client.post(asked["Location"], {"password": PASSWORD})["Location"] == "/account/address/"
    assert change_address(client)["Location"] == "/account/address/"
    assert len(mails_to(NEW)) == 1


def test_being_asked_leads_nowhere_else(alice: Person, settings: Settings) -> None:
    settings.UNKNOWN_HOSTS = "first"
    client = signed_in(alice)
    response = client.post(
        "/account/again/?next=https://evil.example/", {"password": PASSWORD}, HTTP_HOST="evil.example"
    )
    assert response["Location"] == "/home/"


def test_password_that_was_sent_too_late_is_kept_nowhere(alice: Person) -> None:
    client = signed_in(alice)
    User.objects.filter(pk=alice.user.pk).update(password="!")
    session = client.session
    alice.user.refresh_from_db()
    session["_auth_user_hash"] = alice.user.get_session_auth_hash()
    session.save()
    forget_when(client)
    response = client.post("/account/password/first/", {"password1": OTHER})
    assert response["Location"] == "/account/"
    assert "sign out and in again" in text_of(client.get("/account/"))
    assert OTHER not in str(dict(client.session))
