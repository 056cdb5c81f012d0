"""What operators change of their shop, and what stays."""

from typing import Any

import pytest
from django.test import Client

from accounts import hooks
from accounts.models import Shop
from accounts.organizations import first_shop
from tests.operators import clerk, desk_of, operator
from tests.pages import text_of

pytestmark = pytest.mark.django_db
FIELDS = {
    "name": "Plates & Co",
    "accent": "#004488",
    "currency": "eur",
    "terms_version": "2",
    "terms_url": "https://shop.example/terms",
    "privacy_version": "",
    "privacy_url": "",
}


@pytest.fixture
def desk() -> Client:
    return desk_of(operator())


def save(desk: Client, **changes: str) -> Any:
    return desk.post(f"/admin/accounts/shop/{first_shop().pk}/change/", FIELDS | changes)


def test_what_the_shop_is_called_and_asks_for_is_changed(desk: Client) -> None:
    assert save(desk).status_code == 302
    shop = Shop.objects.get()
    assert {name: getattr(shop, name) for name in FIELDS} == FIELDS
    assert "Plates & Co" in text_of(desk.get("/admin/accounts/shop/")).replace("&amp;", "&")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "This field is required."),
        ("accent", "red", "A colour is written as #rrggbb."),
        ("accent", "#00448", "A colour is written as #rrggbb."),
        ("currency", "EUR", "A currency is three small letters, such as usd."),
        ("currency", "eu", "A currency is three small letters, such as usd."),
        ("terms_url", "", "Say where the version can be read."),
        ("terms_url", "javascript:alert(1)", "Enter a valid URL."),
        ("privacy_url", "ftp://shop.example", "Enter a valid URL."),
    ],
)
def test_what_cannot_be_is_refused_in_words(desk: Client, field: str, value: str, words: str) -> None:
    first_shop()
    before = Shop.objects.values().get()
    response = save(desk, **{field: value})
    assert response.status_code == 200
    assert words in text_of(response)
    assert Shop.objects.values().get() == before


def test_currency_stays_once_somebody_has_paid(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "currency_is_used", [lambda _shop: True])
    assert save(desk, name="New").status_code == 302
    shop = Shop.objects.get()
    assert (shop.name, shop.currency) == ("New", "usd")


def test_shops_are_neither_made_nor_removed_here(desk: Client) -> None:
    shop = first_shop()
    assert desk.get("/admin/accounts/shop/add/").status_code == 403
    assert desk.post(f"/admin/accounts/shop/{shop.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Shop.objects.exists()


def test_staff_that_may_only_look_changes_nothing() -> None:
    shop = first_shop()
    looked = desk_of(clerk("view_shop"))
    assert looked.get(f"/admin/accounts/shop/{shop.pk}/change/").status_code == 200
    assert save(looked).status_code == 403
