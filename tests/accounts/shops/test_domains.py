"""Which names lead to a shop: entered at the desk by the platform, asked for by proxies, looked at by the doctor."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import shops
from accounts.models import Shop, ShopDomain
from accounts.shops import first_shop
from config.doctor import shops as of_shops
from generations.models import ModelPrice
from tests.accounts.shops.steps import HARBOUR, change
from tests.accounts.shops.test_page import save
from tests.operators import desk_of, operator
from tests.pages import text_of
from tests.processes import ROOT
from tests.several import a_shop, browser_at

pytestmark = pytest.mark.django_db
ASK = "/domains/ask"


def domains(*rows: dict[str, Any], kept: int) -> dict[str, Any]:
    """As the desk sends them: `kept` of them were there before."""
    sent: dict[str, Any] = {"domains-TOTAL_FORMS": len(rows), "domains-INITIAL_FORMS": kept}
    for number, row in enumerate(rows):
        sent |= {f"domains-{number}-{name}": value for name, value in row.items() if value is not None}
    return sent


def row_of(
    domain: ShopDomain | None, shop: Shop, host: str, *, primary: bool = False, active: bool = True
) -> Any:
    return {
        "id": "" if domain is None else domain.pk,
        "shop": shop.pk,
        "host": host,
        "is_primary": "on" if primary else None,
        "active": "on" if active else None,
    }


@pytest.fixture
def desk() -> Client:
    return desk_of(operator())


def own(shop: Shop) -> ShopDomain:
    return shop.domains.get(host=HARBOUR)


def test_another_one_is_added_and_becomes_that_which_links_begin_with(shop: Shop, desk: Client) -> None:
    rows = domains(
        row_of(own(shop), shop, HARBOUR), row_of(None, shop, "Bücher.Example", primary=True), kept=1
    )
    response = save(desk, shop, **rows)
    assert response.status_code == 302, text_of(response)
    shops.forget()
    assert shops.host_of(shop.pk) == "xn--bcher-kva.example"
    assert shops.id_at("BÜCHER.example.") == shops.id_at(HARBOUR) == shop.pk
    assert 'value="bücher.example"' in desk.get(f"/admin/accounts/shop/{shop.pk}/change/").content.decode()


@pytest.mark.parametrize("sender", ["Hello@Quay.example", "hello@harbour.example", "post@elsewhere.example"])
def test_no_mail_comes_from_a_name_that_was_given_up(shop: Shop, desk: Client, sender: str) -> None:
    """Another shop may have it by now."""
    quay = ShopDomain.objects.create(shop=shop, host="quay.example")
    change(shop, sender_email=sender)
    given_up = row_of(quay, shop, "quay.example") | {"DELETE": "on"}
    rows = domains(row_of(own(shop), shop, HARBOUR, primary=True), given_up, kept=2)
    response = save(desk, shop, sender_email=sender, **rows)
    assert response.status_code == 302, text_of(response)
    left = Shop.objects.get(pk=shop.pk).sender_email
    assert left.lower() == ("" if "Quay" in sender else sender)


def test_what_cannot_be_is_refused_with_the_reason(shop: Shop, desk: Client) -> None:
    a_shop("Old", "old.example")
    mine = row_of(own(shop), shop, HARBOUR, primary=True)
    for rows, words in (
        ((mine, row_of(None, shop, "OLD.example:443")), "leads to another shop already"),
        ((mine, row_of(None, shop, "localhost.")), "leads to the first shop"),
        ((mine, row_of(None, shop, "https://x.example")), "Write the name alone"),
        ((mine, row_of(None, shop, "x.example", primary=True)), "tick one"),
        ((mine, row_of(None, shop, "Harbour.Example")), "already exists"),
        (({**mine, "is_primary": None},), "Tick the domain that links begin with"),
        (({**mine, "active": None},), "leads nowhere"),
        (({**mine, "active": None, "is_primary": None},), "needs a domain that leads to it"),
        (({**mine, "DELETE": "on"},), "needs a domain that leads to it"),
    ):
        response = save(desk, shop, **domains(*rows, kept=1))
        assert (response.status_code, words in text_of(response)) == (200, True), (rows, text_of(response))
    assert list(shop.domains.values_list("host", "is_primary", "active")) == [(HARBOUR, True, True)]


def test_first_shop_needs_none_and_keeps_its_address_without_a_tick(desk: Client) -> None:
    first = first_shop()
    before = shops.address_of(first.pk)
    response = save(desk, first, **domains(row_of(None, first, "more.example"), kept=0))
    assert response.status_code == 302, text_of(response)
    shops.forget()
    assert shops.id_at("more.example") == first.pk
    assert shops.address_of(first.pk) == before


# --- Asked by proxies -----------------------------------------------------------------------------


def ask(domain: str, **environ: Any) -> int:
    return browser_at("10.1.2.3:8000").get(ASK, {"domain": domain}, **environ).status_code


def test_proxies_get_certificates_for_names_that_lead_to_an_open_shop(shop: Shop, settings: Settings) -> None:
    settings.UNKNOWN_HOSTS = "refuse"
    ShopDomain.objects.create(shop=shop, host="off.example", active=False)
    shops.forget()
    known = [HARBOUR, "HARBOUR.example.", "testserver"]
    unknown = ["off.example", "made-up.example", "", "x" * 300, "a b", "\x00", "*.harbour.example"]
    assert [ask(name) for name in known] == [200] * len(known)
    assert [ask(name) for name in unknown] == [404] * len(unknown)
    change(shop, suspended_at="2026-01-01T00:00Z")
    assert ask(HARBOUR) == 200
    change(shop, closing_at="2026-01-01T00:00Z", closed_at="2026-01-15T00:00Z")
    assert ask(HARBOUR) == 404


def test_no_name_costs_a_query(shop: Shop, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    shops.first_id()
    with django_assert_num_queries(0):
        assert ask(HARBOUR) == 200
        assert [ask(f"made-up-{number}.example") for number in range(5)] == [404] * 5


def test_only_the_proxy_itself_may_ask(shop: Shop, settings: Settings) -> None:
    assert ask(HARBOUR, REMOTE_ADDR="192.0.2.7") == 404
    settings.TRUSTED_PROXIES = ["192.0.2.0/24"]
    assert ask(HARBOUR, REMOTE_ADDR="192.0.2.7") == 200
    assert ask(HARBOUR, REMOTE_ADDR="192.0.2.7", HTTP_X_FORWARDED_FOR="203.0.113.9") == 404
    assert ask(HARBOUR, HTTP_FORWARDED="for=203.0.113.9") == 404
    assert ask(HARBOUR, REMOTE_ADDR="") == 404


def test_a_flood_of_made_up_names_keeps_no_shop_from_its_certificate(shop: Shop) -> None:
    answers = [ask(f"made-up-{number}.example") for number in range(70)]
    assert set(answers) == {404, 429}
    assert ask(HARBOUR) == 200
    assert 429 in [ask(HARBOUR) for _number in range(40)]


def test_example_of_a_proxy_asks_and_lets_nobody_else_ask() -> None:
    caddy = (ROOT / "deploy" / "Caddyfile").read_text()
    assert re.search(r"on_demand_tls \{\s+ask http://\S+/domains/ask\s", caddy)
    assert f"respond {ASK} 404" in caddy


# --- Looked at by the doctor ----------------------------------------------------------------------


def said(level: str) -> str:
    return "\n".join(str(finding) for finding in of_shops.look() if finding.level == level)


def test_doctor_says_what_a_shop_lacks(shop: Shop, settings: Settings) -> None:
    settings.UNKNOWN_HOSTS, settings.DEMO = "refuse", False
    assert "no upstream is enabled" in said("warning")
    assert said("error") == ""
    settings.DEMO = True
    assert said("warning") == ""
    assert "beside the first: 1, of which 1 lack nothing" in said("ok")
    shop.credit_packs.update(is_active=False)
    ModelPrice.objects.filter(shop=shop).delete()
    ShopDomain.objects.filter(shop=shop).update(is_primary=False)
    change(shop, sender_email="images@elsewhere.example")
    assert "no price" in said("error")
    for words in ("no pack is on sale", "is the one that links begin with", "at none of its domains"):
        assert words in said("warning")
    ShopDomain.objects.filter(shop=shop).update(active=False)
    assert "no domain leads to it" in said("error")


def test_doctor_says_which_names_lead_to_two_shops_or_to_whatever(shop: Shop, settings: Settings) -> None:
    settings.OTHER_HOSTS = [HARBOUR]
    assert f"{HARBOUR} leads to {shop.slug}" in said("error")
    settings.OTHER_HOSTS, settings.UNKNOWN_HOSTS, settings.DEMO = [], "first", False
    assert "UNKNOWN_HOSTS=first" in said("warning")
