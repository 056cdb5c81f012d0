"""Links that mails of one shop hold, opened at another: one person has one account in the installation, so what proves
that an address is theirs proves it everywhere; no link shows or opens anything of another shop.
"""

import re
from typing import Any

import pytest
from allauth.core.context import request_context
from allauth.mfa.adapter import get_adapter

from accounts import shops
from accounts.models import Membership, QueuedMail, Shop, User
from accounts.organizations import suspend
from tests.accounts.signing.steps import NEW, sign_in, sign_up
from tests.cast import found
from tests.makers import wallet_of
from tests.pages import text_of
from tests.passwords import PASSWORD
from tests.several import Place, an_owner, browser_at, the_platform

pytestmark = pytest.mark.django_db
OTHER = "seven quiet harbours at dawn"


def link_to(email: str, place: Place, template: str) -> str:
    """The path of the newest such mail, whose link begins with the shop's address, and whose shop that is."""
    mail = QueuedMail.objects.filter(to=email, template=template).latest("pk")
    assert mail.shop == place.shop
    address = re.escape(shops.address_of(place.shop.pk))
    link = re.search(rf"{address}(/\S+)", mail.body)
    assert link, mail.body
    return link[1]


def test_mails_name_the_shop_that_was_asked_and_lead_there(north: Place, south: Place) -> None:
    for place in (north, south, the_platform()):
        email = f"new@{place.shop.slug}.example"
        assert sign_up(browser_at(place), email).status_code == 302
        assert link_to(email, place, "confirm_address").startswith("/account/confirm/")
        browser_at(place).post("/account/forgotten/", {"email": email})
        assert link_to(email, place, "reset_password").startswith("/account/forgotten/")


def test_address_that_is_confirmed_at_another_shop_is_confirmed_and_opens_nothing_there(
    north: Place, south: Place
) -> None:
    Shop.objects.filter(pk=north.shop.pk).update(welcome_credits=100)
    sign_up(browser_at(north), NEW, organization="Dora's Harbour")
    path = link_to(NEW, north, "confirm_address")
    browser = browser_at(south)
    assert "Dora's Harbour" not in text_of(browser.get(path))
    assert browser.post(path, {"password": PASSWORD}).status_code == 302
    user = User.objects.get(email=NEW)
    assert user.email_confirmed_at is not None
    assert browser.get("/home/").status_code == 403, "They belong to no organization of this shop"
    assert "Dora's Harbour" not in text_of(browser.get("/account/"))
    ownership = Membership.objects.get(user=user)
    assert ownership.organization.shop == north.shop
    assert wallet_of(ownership.organization)[0] == 100, "Credits are given where the organization is"
    at_home = browser_at(north)
    assert sign_in(at_home, NEW)["Location"] == "/home/"
    assert "Dora's Harbour" in text_of(at_home.get("/home/"))


def test_password_that_is_reset_at_another_shop_is_reset_everywhere(north: Place, south: Place) -> None:
    found("nora@studio.example", "Nora here")
    person = an_owner(north, "nora@studio.example", "Nora in the north")
    signed_in = browser_at(north)
    sign_in(signed_in, person.user.email)
    browser_at(north).post("/account/forgotten/", {"email": person.user.email})
    path = link_to(person.user.email, north, "reset_password")
    browser = browser_at(south)
    form: Any = browser.get(path)
    assert form.status_code == 302
    assert "Nora" not in text_of(browser.get(form["Location"]))
    answer = browser.post(form["Location"], {"password1": OTHER})
    assert answer["Location"] == "/account/forgotten/done/"
    assert browser.get("/home/").status_code == 302, "It signs nobody in"
    assert signed_in.get("/home/").status_code == 302, "And ends what was open"
    for place in (north, the_platform()):
        assert sign_in(browser_at(place), person.user.email, OTHER)["Location"] == "/home/"
    assert not browser_at(north).get(path).content.decode().count("password1"), "It works once, wherever"


def test_one_account_is_asked_for_one_password_at_every_shop(north: Place, south: Place) -> None:
    """Whoever signs up where they are not known yet learns by mail, and nobody else does, that they have an account."""
    found("nora@studio.example", "Nora here")
    known, new = (
        sign_up(browser_at(south), email) for email in ("nora@studio.example", "fresh@studio.example")
    )
    assert (known.status_code, known["Location"]) == (new.status_code, new["Location"])
    mail = QueuedMail.objects.filter(to="nora@studio.example").latest("pk")
    assert (mail.template, mail.shop) == ("account_known", south.shop)
    assert "Nora here" not in mail.body
    assert sign_in(browser_at(south), "nora@studio.example")["Location"] == "/home/"


def test_who_is_suspended_at_one_shop_is_so_there_alone(north: Place, south: Place) -> None:
    here = an_owner(north, "nora@studio.example", "Nora in the north")
    there = an_owner(south, "nora@studio.example", "Nora in the south")
    suspend(here.organization)
    page = text_of(browser_at(south, there).get("/home/"))
    assert "Nora in the north" not in page
    assert "suspended" not in page


def test_passkeys_are_for_the_host_that_is_asked(north: Place, south: Place) -> None:
    for place in (north, south):
        options = browser_at(place).get("/sign-in/passkey/").json()["request_options"]["publicKey"]
        assert options["rpId"] == place.host


def test_app_for_codes_shows_the_name_of_the_shop(north: Place) -> None:
    person = an_owner(north, "nora@studio.example", "Nora's")
    request = browser_at(north, person).get("/account/second-factor/app/").wsgi_request
    with request_context(request):
        assert get_adapter().get_totp_issuer() == "North"
