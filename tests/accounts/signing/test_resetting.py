"""A forgotten password: the mail's link sets another, once, and ends what was going on."""

from typing import Any

import pytest
import time_machine
from django.utils.timezone import now
from pytest_django import Settings

from accounts.models import User
from accounts.organizations import create_organization, person
from accounts.shops import first_shop
from tests.accounts.signing.steps import (
    HOME,
    a_newcomer,
    addresses_of,
    mails_to,
    path_in,
    sign_in,
    signed_in,
    told,
)
from tests.cast import Person
from tests.makers import wallet_of
from tests.pages import browser_of, text_of
from tests.passwords import PASSWORD

pytestmark = pytest.mark.django_db
OTHER = "seven quiet harbours at dawn"


def reset_path(email: str) -> str:
    assert (
        browser_of().post("/account/forgotten/", {"email": email})["Location"] == "/account/forgotten/sent/"
    )
    [mail] = [mail for mail in mails_to(email) if mail.template == "reset_password"][-1:]
    return path_in(mail)


def choose(path: str, password: str = OTHER, **environ: Any) -> str:
    """Where it led to, or what the page said."""
    client = browser_of()
    form = client.get(path)
    if form.status_code != 302:
        return text_of(form)
    response = client.post(form["Location"], {"password1": password}, **environ)
    return response["Location"] if response.status_code == 302 else text_of(response)


def test_link_sets_another_password_and_ends_all_sessions(alice: Person) -> None:
    client = signed_in(alice)
    assert choose(reset_path(alice.user.email)) == "/account/forgotten/done/"
    assert client.get("/playground/").status_code == 302
    assert sign_in(browser_of(), alice.user.email, PASSWORD).status_code == 400
    assert sign_in(browser_of(), alice.user.email, OTHER)["Location"] == "/home/"
    assert told(alice) == ["signed_in", "password_changed", "sign_in_failed", "signed_in"]
    assert [mail.template for mail in mails_to(alice.user.email)] == ["reset_password", "account_news"]


def test_link_works_once(alice: Person) -> None:
    path = reset_path(alice.user.email)
    choose(path)
    assert "This link is used up" in choose(path, "a third password that is long")
    assert sign_in(browser_of(), alice.user.email, OTHER).status_code == 302


def test_link_is_void_after_a_day(alice: Person) -> None:
    path = reset_path(alice.user.email)
    with time_machine.travel(now().timestamp() + 86_500, tick=True):
        assert "This link is used up" in choose(path)


@pytest.mark.parametrize("key", ["1-x", "zzzzzzzzzzzzz-cabcde-0123456789abcdef", "0-set-password"])
def test_altered_link_says_so(alice: Person, key: str) -> None:
    assert "This link is used up" in text_of(browser_of().get(f"/account/forgotten/{key}/"))


def test_weak_password_is_refused_at_its_field(alice: Person) -> None:
    path = reset_path(alice.user.email)
    assert "too short" in choose(path, "short")
    assert choose(path) == "/account/forgotten/done/"


def test_mail_names_our_address_whatever_host_is_asked(alice: Person, settings: Settings) -> None:
    settings.UNKNOWN_HOSTS = "first"
    browser_of().post("/account/forgotten/", {"email": alice.user.email}, HTTP_HOST="evil.example")
    [mail] = mails_to(alice.user.email)
    assert "evil" not in mail.body
    assert path_in(mail).startswith("/account/forgotten/")


def test_whom_an_operator_entered_sets_a_first_password_and_has_shown_the_address(settings: Settings) -> None:
    settings.WELCOME_CREDITS = 50
    owner = person("owner@studio.example")
    organization = create_organization(first_shop(), "Studio", owner)
    assert choose(reset_path(owner.email), REMOTE_ADDR=HOME) == "/account/forgotten/done/"
    owner.refresh_from_db()
    assert owner.email_confirmed_at is not None
    assert wallet_of(organization)[0] == 50
    assert addresses_of(owner) == [("owner@studio.example", True, True)]
    assert sign_in(browser_of(), owner.email, OTHER)["Location"] == "/home/"


def test_whose_address_somebody_else_signed_up_with_takes_the_account_over() -> None:
    user = a_newcomer("victim@studio.example")
    assert choose(reset_path(user.email)) == "/account/forgotten/done/"
    assert sign_in(browser_of(), user.email, PASSWORD).status_code == 400
    assert sign_in(browser_of(), user.email, OTHER)["Location"] == "/home/"


def test_who_was_shut_out_gets_no_link(alice: Person) -> None:
    User.objects.update(is_active=False)
    browser_of().post("/account/forgotten/", {"email": alice.user.email})
    assert [mail.template for mail in mails_to(alice.user.email)] == ["account_unknown"]
