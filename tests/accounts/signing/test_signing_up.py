"""Opening an account: it founds an organization, and opens when the address is confirmed."""

import re

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Acceptance, Membership, Organization, Role, Shop, User
from accounts.shops import first_shop
from tests.accounts.signing.steps import (
    HOME,
    NEW,
    a_newcomer,
    addresses_of,
    confirm_path,
    mails_to,
    path_in,
    sign_in,
    sign_up,
    told,
)
from tests.cast import Person
from tests.makers import wallet_of
from tests.pages import browser_of, text_of
from tests.passwords import PASSWORD

pytestmark = pytest.mark.django_db


def test_sign_up_founds_an_organization_and_the_mail_opens_it(settings: Settings) -> None:
    settings.WELCOME_CREDITS = 50
    client = browser_of()
    response = sign_up(client, organization="Harbour ⚓ <b>Prints</b>")
    assert (response.status_code, response["Location"]) == (302, "/sign-up/sent/")
    assert "We have sent you a mail" in text_of(client.get("/sign-up/sent/"))
    assert client.get("/playground/")["Location"] == "/sign-in/?next=/playground/"

    user = User.objects.get(email=NEW)
    membership = Membership.objects.get(user=user)
    assert (membership.role, membership.organization.name) == (Role.OWNER, "Harbour ⚓ <b>Prints</b>")
    assert user.email_confirmed_at is None
    assert wallet_of(membership.organization)[0] == 0
    assert user.password.startswith("argon2")

    [mail] = mails_to(NEW)
    assert client.post(path_in(mail), REMOTE_ADDR=HOME)["Location"] == "/home/"
    page = client.get("/playground/")
    assert page.status_code == 200
    assert "Harbour ⚓ &lt;b&gt;Prints&lt;/b&gt;" in page.content.decode()
    assert User.objects.get(email=NEW).email_confirmed_at is not None
    assert addresses_of(user) == [(NEW, True, True)]
    assert wallet_of(membership.organization)[0] == 50
    assert told(user) == ["signed_in"]


def test_organization_without_a_name_is_called_after_the_address() -> None:
    a_newcomer()
    assert Organization.objects.get().name == "dora"


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ('"a\x01b c"@harbour.example', "abc"),
        ('" "@harbour.example', "Organization"),
        ("ü@harbour.example", "ü"),
    ],
)
def test_strange_addresses_lend_no_strange_names(email: str, name: str) -> None:
    sign_up(browser_of(), email)
    assert [organization.name for organization in Organization.objects.all()] in ([name], [])


def test_looking_at_the_link_confirms_nothing_since_scanners_look_too() -> None:
    user = a_newcomer()
    path = confirm_path(NEW)
    for _ in range(2):
        page = browser_of().get(path)
        assert "Yes, confirm it" in text_of(page)
    user.refresh_from_db()
    assert user.email_confirmed_at is None


def test_link_that_is_opened_elsewhere_asks_for_the_password_and_signs_in() -> None:
    user = a_newcomer()
    elsewhere, path = browser_of(), confirm_path(NEW)
    assert 'name="password"' in elsewhere.get(path).content.decode()
    assert elsewhere.post(path, {"password": PASSWORD})["Location"] == "/home/"
    assert elsewhere.get("/playground/").status_code == 200
    assert told(user) == ["signed_in"]


def test_link_of_a_strangers_sign_up_confirms_nothing_for_whoever_reads_the_mail() -> None:
    user = a_newcomer()
    for client in (reader := browser_of(), browser_of()):
        sign_up(
            client, password="seven quiet harbours at dawn"
        )  # which is told by mail that there is an account
        for sent in ({}, {"password": ""}, {"password": "seven quiet harbours at dawn"}):
            response = client.post(confirm_path(NEW), sent)
            assert response.status_code == 400
            assert "not the password that was chosen" in text_of(response)
    user.refresh_from_db()
    assert user.email_confirmed_at is None
    assert addresses_of(user) == [(NEW, False, True)]
    assert reader.get("/playground/").status_code == 302


def test_password_of_a_link_cannot_be_guessed_for_long() -> None:
    a_newcomer()
    path = confirm_path(NEW)
    answers = [text_of(browser_of().post(path, {"password": f"guess {number}"})) for number in range(11)]
    assert "Too many tries" in answers[-1]
    assert "Too many tries" not in answers[-2]


def test_link_works_once_and_says_so_afterwards() -> None:
    a_newcomer()
    path = confirm_path(NEW)
    browser_of().post(path, {"password": PASSWORD})
    for response in (
        browser_of().get(path),
        browser_of().post(path),
        browser_of().post("/account/confirm/x:y/"),
    ):
        assert response.status_code == 404
        assert "This link is used up" in text_of(response)


def test_nobody_signs_in_before_the_address_is_confirmed_but_gets_the_mail_again() -> None:
    a_newcomer()
    client = browser_of()
    assert sign_in(client, NEW)["Location"] == "/sign-up/sent/"
    assert client.get("/playground/").status_code == 302
    assert [mail.template for mail in mails_to(NEW)] == ["confirm_address"] * 2


def test_wrong_password_of_an_unconfirmed_account_reads_like_any_other() -> None:
    a_newcomer()
    response = sign_in(browser_of(), NEW, "wrong wrong wrong")
    assert response.status_code == 400
    assert "do not match" in text_of(response)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"password": "short"}, "too short"),
        ({"password": " \t\u200b" * 4}, "signs that can be seen"),
        ({"password": "password1234"}, "too common"),
        ({"password": "dora@harbour.example"}, "too similar"),
        ({"password": "x" * 1025}, "at most 1024"),
        ({"email": "not an address"}, "valid email"),
        ({"email": f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.example"}, "at most 254"),
        ({"email": "a\x00b@harbour.example"}, "Null characters"),
        ({"organization": "x" * 81}, "at most 80"),
        ({"organization": "a\x00b"}, "Null characters"),
        ({"organization": "a\nb"}, "sign that cannot be used"),
        ({"organization": "\u200b"}, "can be seen"),
    ],
)
def test_what_cannot_be_used_is_said_at_its_field_and_opens_nothing(
    fields: dict[str, str], words: str
) -> None:
    response = sign_up(browser_of(), **{"organization": "Kept & typed", **fields})
    assert response.status_code == 400
    assert words in text_of(response)
    if "organization" not in fields:
        assert 'value="Kept &amp; typed"' in response.content.decode()
    assert not User.objects.exists()
    assert not Organization.objects.exists()


def test_forms_of_another_site_are_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/sign-up/", {"email": NEW, "password1": PASSWORD}).status_code == 403
    assert not User.objects.exists()


def test_it_leads_to_where_one_wanted_to_go_and_nowhere_else(settings: Settings) -> None:
    settings.UNKNOWN_HOSTS = "first"
    for number, (wanted, got) in enumerate(
        {
            "/credits/": "/credits/",
            "https://evil.example/": "/home/",
            "//evil.example": "/home/",
        }.items()
    ):
        client, email = browser_of(), f"dora{number}@harbour.example"
        client.post(
            "/sign-up/", {"email": email, "password1": PASSWORD, "next": wanted}, HTTP_HOST="evil.example"
        )
        assert client.post(confirm_path(email))["Location"] == got


def test_links_begin_with_our_address_whatever_host_is_asked(settings: Settings) -> None:
    settings.UNKNOWN_HOSTS = "first"
    sign_up(browser_of(), NEW)
    client = browser_of()
    client.post(
        "/sign-up/", {"email": "eve@harbour.example", "password1": PASSWORD}, HTTP_HOST="evil.example"
    )
    [mail] = mails_to("eve@harbour.example")
    assert "evil" not in mail.body.replace("eve@", "")
    assert path_in(mail).startswith("/account/confirm/")


def test_signing_up_changes_the_session_so_that_none_can_be_planted() -> None:
    client = browser_of()
    sign_up(client)
    before = client.cookies["sessionid"].value
    client.post(confirm_path(NEW))
    assert client.cookies["sessionid"].value != before


# --- What the shop asks for -----------------------------------------------------------------------


@pytest.fixture
def asking() -> Shop:
    shop = first_shop()
    Shop.objects.filter(pk=shop.pk).update(terms_version="7", terms_url="https://shop.example/terms")
    return shop


def test_terms_are_accepted_with_the_account(asking: Shop) -> None:
    client = browser_of()
    page = client.get("/sign-up/").content.decode()
    fields = dict(re.findall(r'type="hidden" name="(terms)" value="([^"]*)"', page))
    response = sign_up(client, **fields)
    assert response.status_code == 400
    assert "Tick the box" in text_of(response)
    assert sign_up(client, accept="on", **fields).status_code == 302
    assert Acceptance.objects.get().version == "7"
    assert client.post(confirm_path(NEW))["Location"] == "/home/"
    assert client.get("/playground/").status_code == 200


def test_terms_that_changed_meanwhile_are_shown_again(asking: Shop) -> None:
    response = sign_up(browser_of(), accept="on", terms="6")
    assert response.status_code == 400
    assert "changed since you opened the page" in text_of(response)
    assert not User.objects.exists()


# --- Whose addresses are taken --------------------------------------------------------------------


def test_throw_away_domains_and_those_below_them_are_refused(settings: Settings) -> None:
    settings.BLOCKED_EMAIL_DOMAINS = settings.BLOCKED_EMAIL_DOMAINS | {"blocked.example"}
    for email in ("a@mailinator.com", "a@box.mailinator.com", "a@BLOCKED.example"):
        response = sign_up(browser_of(), email)
        assert response.status_code == 400
        assert "cannot be used here" in text_of(response)
    assert sign_up(browser_of(), "a@notmailinator.com").status_code == 302


def test_only_allowed_domains_may_be_all_there_are(settings: Settings) -> None:
    settings.SIGN_UP_DOMAINS = ["harbour.example"]
    for email in ("a@studio.example", "a@sub.harbour.example", "a@evilharbour.example"):
        response = sign_up(browser_of(), email)
        assert response.status_code == 400
        assert "Only addresses of these domains can be used here: harbour.example." in text_of(response)
    assert sign_up(browser_of(), "a@Harbour.example").status_code == 302


@pytest.mark.parametrize("who", ["closed", "invitation"])
def test_shop_may_be_closed_to_who_was_not_invited(who: str, settings: Settings) -> None:
    settings.SIGN_UP = who
    client = browser_of()
    for response in (client.get("/sign-up/"), sign_up(client)):
        assert response.status_code == 403
        assert "opened by invitation" in text_of(response)
    assert not User.objects.exists()
    for page in ("/", "/sign-in/"):
        assert "/sign-up/" not in client.get(page).content.decode()


def test_signed_in_people_need_no_account(alice: Person) -> None:
    assert browser_of(alice).get("/sign-up/")["Location"] == "/home/"
