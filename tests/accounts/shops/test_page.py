"""A shop's page at the desk: what its own operators change, what the platform does, and that all of it is obeyed."""

import base64
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from accounts import logos, rates, shops
from accounts.models import Organization, Shop
from accounts.shops import first_shop
from generations.models import ModelPrice
from tests import branded
from tests.accounts.client import FOX
from tests.accounts.shops.steps import HARBOUR, change, customer_of, runs, send_at
from tests.cast import new_key
from tests.operators import desk_of, operator
from tests.pages import text_of
from tests.passwords import PASSWORD
from tests.several import a_shop, browser_at

pytestmark = pytest.mark.django_db
TYPED: dict[str, Any] = {
    "name": "Harbour Images",
    "promise": "",
    "landing_text": "Since 1887.",
    "languages": "de, en",
    "accent": "#004488",
    "currency": "usd",
    "terms_version": "",
    "terms_url": "",
    "privacy_version": "",
    "privacy_url": "",
    "imprint_url": "",
    "support_email": "",
    "sender_email": "images@harbour.example",
    "sign_up": "invitation",
    "sign_up_domains": "Harbour.example, @bücher.example",
    "welcome_credits": "30",
    "rate_per_minute": "6",
    "burst": "2",
}


def save(desk: Client, shop: Shop, **changes: Any) -> Any:
    rows = shop.domains.order_by("pk")
    sent: dict[str, Any] = {"domains-TOTAL_FORMS": len(rows), "domains-INITIAL_FORMS": len(rows)}
    for number, row in enumerate(rows):
        values = {"id": row.pk, "shop": shop.pk, "host": row.host}
        values |= {name: "on" for name in ("is_primary", "active") if getattr(row, name)}
        sent |= {f"domains-{number}-{name}": value for name, value in values.items()}
    if "domains-TOTAL_FORMS" in changes:
        sent = {}
    typed = TYPED | sent | changes
    return desk.post(
        f"/admin/accounts/shop/{shop.pk}/change/",
        {name: value for name, value in typed.items() if value is not None},
    )


@pytest.fixture
def desk() -> Client:
    return desk_of(operator())


def desk_at_harbour(shop: Shop) -> Client:
    """Of one of its own operators."""
    user = runs(shop)
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_shop", "change_shop"]))
    return browser_at(HARBOUR, user)


def test_brand_and_rules_are_written_down(shop: Shop, desk: Client) -> None:
    response = save(desk, shop)
    assert response.status_code == 302, text_of(response)
    shop.refresh_from_db()
    assert (shop.languages, shop.landing_text) == (["de", "en"], "Since 1887.")
    assert shop.sign_up_domains == ["harbour.example", "xn--bcher-kva.example"]
    assert (shop.sign_up, shop.welcome_credits, shop.rate_per_minute, shop.burst) == ("invitation", 30, 6, 2)
    page = desk.get(f"/admin/accounts/shop/{shop.pk}/change/").content.decode()
    assert 'value="de, en"' in page
    assert "bücher.example" in page


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("languages", "de, tlh", "There is no language tlh here"),
        ("sign_up_domains", "not a domain!", "is no domain of e-mail addresses"),
        ("rate_per_minute", "0", "greater than or equal to 1"),
        ("burst", "-1", "greater than or equal to"),
        ("burst", "9999999", "less than or equal to"),
        ("welcome_credits", "-5", "greater than or equal to 0"),
        ("welcome_credits", "1000001", "less than or equal to"),
        ("sender_email", "nobody", "Enter a valid email address"),
        ("sender_email", "a@b.example\nBcc: x@y.example", "Enter a valid email address"),
        ("logo_has_name", "on", "Without a logo nothing would show the name"),
        ("sign_up", "everybody", "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    shop: Shop, desk: Client, field: str, value: str, words: str
) -> None:
    before = Shop.objects.filter(pk=shop.pk).values().get()
    changed: dict[str, Any] = {field: value}
    response = save(desk, shop, **changed)
    assert (response.status_code, words in text_of(response)) == (200, True), text_of(response)
    assert Shop.objects.filter(pk=shop.pk).values().get() == before


def test_logo_that_shows_the_name_is_not_taken_away_alone(shop: Shop, desk: Client) -> None:
    change(shop, logo="0123456789abcdef-32", logo_has_name=True)
    assert save(desk, shop, logo_has_name="on").status_code == 302
    response = save(desk, shop, logo_has_name="on", no_logo="on")
    assert "take this tick away" in text_of(response)
    assert save(desk, shop, no_logo="on").status_code == 302
    broken = SimpleUploadedFile("logo", b"GIF89a")
    assert "take this tick away" not in text_of(save(desk, shop, logo_has_name="on", new_logo=broken))


def test_shop_without_a_price_is_not_saved(shop: Shop, desk: Client) -> None:
    ModelPrice.objects.filter(shop=shop).delete()
    assert "It has no price for any model" in text_of(save(desk, shop))


# --- Who changes what -----------------------------------------------------------------------------


def test_its_own_operators_change_their_brand_and_rules(shop: Shop) -> None:
    response = save(desk_at_harbour(shop), shop, promise="Fresh every day.", rate_per_minute="9999")
    assert response.status_code == 302, text_of(response)
    shop.refresh_from_db()
    assert (shop.promise, shop.sign_up) == ("Fresh every day.", "invitation")
    assert shop.rate_per_minute is None, "Limits are the platform's to give"


def test_its_own_operators_give_it_no_domain_and_no_foreign_sender(shop: Shop) -> None:
    desk = desk_at_harbour(shop)
    more = {
        "domains-TOTAL_FORMS": 1,
        "domains-INITIAL_FORMS": 0,
        "domains-0-shop": shop.pk,
        "domains-0-host": "mine.example",
        "domains-0-active": "on",
    }
    save(desk, shop, **more)
    assert [domain.host for domain in shop.domains.all()] == [HARBOUR]
    assert HARBOUR in text_of(desk.get(f"/admin/accounts/shop/{shop.pk}/change/"))
    refused = save(desk, shop, sender_email="boss@bank.example")
    assert "an address at one of the domains of this shop" in text_of(refused)
    assert save(desk_of(operator()), shop, sender_email="boss@bank.example").status_code == 302
    assert Shop.objects.get(pk=shop.pk).sender_email == "boss@bank.example"


def test_its_own_operators_see_no_other_shop(shop: Shop) -> None:
    desk = desk_at_harbour(shop)
    other = a_shop("Quay", "quay.example").shop
    assert desk.get(f"/admin/accounts/shop/{shop.pk}/change/").status_code == 200
    for row in (other, first_shop()):
        assert desk.get(f"/admin/accounts/shop/{row.pk}/change/").status_code in (302, 404)
        save(desk, row, name="Taken over")
    assert "Quay" not in text_of(desk.get("/admin/accounts/shop/"))
    assert not Shop.objects.filter(name="Taken over").exists()


def test_shops_are_found_by_name_and_host(shop: Shop, desk: Client) -> None:
    a_shop("Quay", "quay.example")
    for term in ("Harb", "harbour-im", "HARBOUR.example."):
        page = text_of(desk.get("/admin/accounts/shop/", {"q": term}))
        assert "Harbour Images" in page, term
        assert "Quay" not in page, term


# --- And it is obeyed -----------------------------------------------------------------------------


def sign_up(email: str) -> Any:
    typed = {"email": email, "password1": PASSWORD, "organization": ""}
    return browser_at(HARBOUR).post("/sign-up/", typed)


def test_who_may_sign_up_is_the_shops_to_say(shop: Shop, settings: Settings) -> None:
    settings.SIGN_UP = "open"
    change(shop, sign_up="closed")
    assert browser_at(HARBOUR).get("/sign-up/").status_code == 403
    assert sign_up("new@harbour.example").status_code == 403
    assert browser_at("testserver").get("/sign-up/").status_code == 200
    settings.SIGN_UP = "closed"
    change(shop, sign_up="open", sign_up_domains=["harbour.example"])
    refused = sign_up("new@elsewhere.example")
    assert "harbour.example" in text_of(refused)
    assert refused.status_code == 400
    assert sign_up("new@harbour.example").status_code == 302
    assert Organization.objects.get(memberships__user__email="new@harbour.example").shop == shop
    assert browser_at("testserver").get("/sign-up/").status_code == 403


def test_organizations_have_their_shops_limits_unless_they_have_their_own(shop: Shop) -> None:
    change(shop, rate_per_minute=1, burst=2)
    dora = customer_of(shop)
    secrets = [new_key(dora, livemode=False)[1] for _number in range(3)]

    def order(secret: str) -> int:
        return send_at(HARBOUR, "POST", "/api/generate", key=secret, body=FOX).status_code

    assert [order(secret) for secret in secrets] == [200, 200, 429]
    assert rates.organization_rate(dora.organization).burst == 2
    dora.organization.burst = 7
    assert rates.organization_rate(dora.organization).burst == 7


def test_only_its_languages_are_offered_and_have_addresses(shop: Shop) -> None:
    change(shop, languages=["de", "en"])
    visitor = browser_at(HARBOUR)
    assert visitor.get("/zh/pricing/", {"a": "b"})["Location"] == "/de/pricing/?a=b"
    page = visitor.get("/de/pricing/").content.decode()
    assert "简体中文" not in page
    assert 'hreflang="zh-Hans"' not in page
    assert visitor.get("/pricing/").status_code == 200
    german = browser_at(HARBOUR).get("/sign-in/", headers={"accept-language": "zh-CN, fr;q=0.5"})
    assert '<html lang="de"' in german.content.decode()
    english = browser_at(HARBOUR).get("/sign-in/", headers={"accept-language": "fr, en-GB;q=0.5, de;q=0.1"})
    assert '<html lang="en"' in english.content.decode()
    chosen = visitor.post("/look/", {"language": "zh-hans", "next": "/pricing/"})
    assert (chosen["Location"], "language" in chosen.cookies) == ("/pricing/", False)


def test_shop_of_one_language_leads_to_it_from_everywhere(shop: Shop) -> None:
    change(shop, languages=["de"])
    visitor = browser_at(HARBOUR)
    assert visitor.get("/")["Location"] == "/de/"
    assert visitor.get("/docs/limits/?in=python")["Location"] == "/de/docs/limits/?in=python"
    assert visitor.get("/de/").status_code == 200
    lost = visitor.get("/zh//evil.example")
    assert (lost.status_code, '<html lang="de"' in lost.content.decode()) == (404, True)
    assert browser_at("testserver").get("/zh/").status_code == 200
    assert shops.facts_of(first_shop().pk).languages == ()


def test_platforms_staff_see_its_logo_at_their_own_desk(shop: Shop, desk: Client) -> None:
    """At another host than its own no address leads to it."""
    logos.put(shop, branded.a_logo("#1d5f8a"))
    page = desk.get(f"/admin/accounts/shop/{shop.pk}/change/").content.decode()
    found = re.search(r'<img src="data:image/png;base64,([^"]+)" alt="Harbour Images" width="80"', page)
    assert found
    assert base64.b64decode(found[1]).startswith(b"\x89PNG")


def test_shop_is_added_to_none_and_of_none(shop: Shop, desk: Client) -> None:
    for path in ("add/", f"{shop.pk}/change/"):
        page = text_of(desk.get(f"/admin/accounts/shop/{path}"))
        assert "All shops are shown" in page, path
        assert "This is added to" not in page, path
        assert "Of the shop" not in page, path
