"""A shop is opened by a command or at the desk, sells at once, and is never half there."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts import hooks, shops
from accounts.models import AuditAction, AuditEvent, QueuedMail, Shop, ShopDomain, ShopStaff, User
from accounts.organizations import person
from accounts.shops import first_shop
from billing import packs
from generations.models import ModelPrice, Upstream
from tests.accounts.client import FOX
from tests.accounts.shops.steps import HARBOUR, customer_of, harbour, run, send_at
from tests.cast import new_key
from tests.makers import an_organization
from tests.operators import clerk, desk_of, operator
from tests.pages import text_of
from tests.passwords import PASSWORD
from tests.several import a_shop, browser_at

pytestmark = pytest.mark.django_db
OPEN = ("create_shop", "Harbour Images", "--domain", HARBOUR)


def test_command_opens_a_shop_that_sells_at_once() -> None:
    code, said = run(*OPEN)
    shops.forget()
    shop = Shop.objects.get(slug="harbour-images")
    assert (code, said.splitlines()[0]) == (0, shops.address_of(shop.pk))
    assert f"//{HARBOUR}" in said
    assert (shop.name, shop.currency, shop.languages) == ("Harbour Images", "usd", [])
    assert packs.on_sale(shop.pk).count() == 3
    _row, secret = new_key(customer_of(shop), livemode=False)
    assert send_at(HARBOUR, "POST", "/api/generate", key=secret, body=FOX).status_code == 200
    assert "Harbour Images" in text_of(browser_at(HARBOUR).get("/"))
    event = AuditEvent.objects.get(action=AuditAction.SHOP_OPENED)
    assert (event.shop, event.organization, event.actor) == (shop, None, "system")


def test_its_currency_and_language_are_those_that_were_asked_for() -> None:
    assert run(*OPEN, "--currency", "EUR", "--language", "de")[0] == 0
    shop = Shop.objects.get(slug="harbour-images")
    assert (shop.currency, shop.languages) == ("eur", ["de", "en", "zh-hans"])
    assert set(packs.on_sale(shop.pk).values_list("currency", flat=True)) == {"eur"}


def test_owner_who_is_new_chooses_a_password_by_mail_and_runs_the_shop() -> None:
    assert run(*OPEN, "--owner", "Dora@harbour.example")[0] == 0
    shops.forget()
    shop = Shop.objects.get(slug="harbour-images")
    staff = ShopStaff.objects.get(shop=shop)
    assert (staff.user.email, staff.role, staff.user.has_usable_password()) == (
        "dora@harbour.example",
        "operator",
        False,
    )
    mail = QueuedMail.objects.get(to="dora@harbour.example")
    assert mail.shop == shop
    links = re.findall(r"https?://([^/:]+)(?::\d+)?(/\S+)", mail.body)
    assert {host for host, _path in links} == {HARBOUR}
    [path] = [path for _host, path in links if "/forgotten/" in path and len(path) > 25]
    browser = browser_at(HARBOUR)
    page: Any = browser.get(path, follow=True)
    assert page.status_code == 200
    at = page.redirect_chain[-1][0] if page.redirect_chain else path
    browser.post(at, {"password1": PASSWORD, "password2": PASSWORD})
    assert User.objects.get(pk=staff.user.pk).check_password(PASSWORD)
    # Who belongs to no customer's organization is shown the way to the desk.
    for user, finds_it in ((person(staff.user.email), True), (person("gus@studio.example"), False)):
        answer = browser_at(HARBOUR, user).get("/home/")
        assert (answer.status_code, 'href="/admin/"' in answer.content.decode()) == (403, finds_it), user


def test_owner_who_has_an_account_keeps_their_password() -> None:
    known = person("dora@harbour.example")
    known.set_password(PASSWORD)
    known.save()
    assert run(*OPEN, "--owner", known.email)[0] == 0
    mail = QueuedMail.objects.get(to=known.email)
    assert "Sign in with the password that you have" in mail.body
    assert "forgotten" not in mail.body


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create_shop", "", "--domain", HARBOUR), "A name has 1 to 80 characters"),
        (("create_shop", "New", "--domain", "https://new.example/"), "Write the name alone"),
        (("create_shop", "New", "--domain", "*.new.example"), "Write the name alone"),
        (("create_shop", "New", "--domain", "my_shop.example"), "my_shop.example is no name for a shop"),
        (("create_shop", "New", "--domain", "new-.example"), "new-.example is no name for a shop"),
        (("create_shop", "New", "--domain", "OLD.example."), "leads to another shop already"),
        (("create_shop", "New", "--domain", "bücher.example:443"), "leads to another shop already"),
        (("create_shop", "New", "--domain", "LOCALHOST:80"), "leads to the first shop"),
        (("create_shop", "New", "--domain", "testserver"), "leads to the first shop"),
        (("create_shop", "New", "--domain", HARBOUR, "--currency", "euro"), "three small letters"),
        (("create_shop", "New", "--domain", HARBOUR, "--language", "tlh"), "There is no language tlh"),
        (("create_shop", "New", "--domain", HARBOUR, "--owner", "nobody"), "valid email"),
        (("create_shop", "New", "--domain", HARBOUR, "--wholesale", "none"), "no organization 'none'"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(arguments: tuple[str, ...], words: str) -> None:
    a_shop(host="old.example")
    a_shop("Books", "xn--bcher-kva.example")
    code, said = run(*arguments)
    assert (code, words in said) == (1, True), said
    assert Shop.objects.count() == 3
    assert not QueuedMail.objects.exists()


@pytest.mark.parametrize("host", ["192.0.2.7", "127.1", "[::1]", "intranet"])
def test_outside_of_a_demo_names_that_lead_nowhere_are_refused(settings: Settings, host: str) -> None:
    first_shop()
    settings.DEMO = False
    code, said = run("create_shop", "New", "--domain", host)
    assert code == 1, said
    assert Shop.objects.count() == 1


def test_one_without_a_price_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    first_shop()
    monkeypatch.setattr(hooks, "shop_opened", [])
    code, said = run(*OPEN)
    assert (code, "It has no price for any model" in said) == (1, True)
    assert (Shop.objects.count(), ShopDomain.objects.count()) == (1, 0)


def test_it_buys_from_the_platform_as_an_organization_of_that() -> None:
    buyer = an_organization(100)
    assert run(*OPEN, "--wholesale", buyer.slug)[0] == 0
    assert Upstream.objects.get(shop__slug="harbour-images").provider == "portal"


# --- At the desk ----------------------------------------------------------------------------------


def add(desk: Client, **changes: str) -> Any:
    typed = {"name": "Harbour Images", "domain": HARBOUR, "currency": "chf", "operator": "", **changes}
    return desk.post("/admin/accounts/shop/add/", typed)


def test_platforms_staff_open_one_at_the_desk() -> None:
    desk = desk_of(operator())
    assert desk.get("/admin/accounts/shop/add/").status_code == 200
    response = add(desk, operator="dora@harbour.example")
    shop = Shop.objects.get(slug="harbour-images")
    assert response.status_code == 302, text_of(response)
    assert (shop.currency, shop.domains.get().host) == ("chf", HARBOUR)
    assert ModelPrice.objects.filter(shop=shop).exists()
    assert ShopStaff.objects.get(shop=shop).user.email == "dora@harbour.example"
    assert AuditEvent.objects.get(action=AuditAction.SHOP_OPENED).actor.startswith("staff:")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("domain", "old.EXAMPLE.", "leads to another shop already"),
        ("domain", "localhost", "leads to the first shop"),
        ("domain", "", "This field is required"),
        ("currency", "eu", "three small letters"),
        ("operator", "nobody", "Enter a valid email address"),
        ("name", "", "This field is required"),
    ],
)
def test_desk_refuses_it_beside_the_field(field: str, value: str, words: str) -> None:
    a_shop(host="old.example")
    changed: dict[str, str] = {field: value}
    response = add(desk_of(operator()), **changed)
    assert response.status_code == 200
    assert words in text_of(response)
    assert Shop.objects.count() == 2


def test_nobody_else_opens_one() -> None:
    shop = harbour()
    assert add(desk_of(clerk("view_shop", "change_shop")), domain="other.example").status_code == 403
    there = browser_at(HARBOUR, operator())
    assert add(there, domain="other.example").status_code in (403, 404)
    assert list(Shop.objects.exclude(pk=first_shop().pk)) == [shop]
