"""Packs at the operator's desk: what is entered is what people are shown and charged."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.desk import scope
from accounts.models import Shop
from accounts.shops import first_shop
from billing import packs
from billing.models import CreditPack
from tests.cast import Person
from tests.makers import ago
from tests.operators import clerk, desk_of
from tests.pages import browser_of, text_of
from tests.several import a_shop

pytestmark = pytest.mark.django_db
LIST = "/admin/billing/creditpack/"
FIELDS = {
    "name": "Fair",
    "credits": "2000",
    "bonus": "100",
    "price_minor": "1250",
    "currency": "usd",
    "is_active": "on",
    "position": "-1",
}


def add(desk: Client, **changes: str) -> Any:
    return desk.post(f"{LIST}add/", FIELDS | changes)


def test_starter_packs_are_there(desk: Client) -> None:
    words = text_of(desk.get(LIST))
    for name, price in {"Small": "$5.00", "Medium": "$20.00", "Large": "$100.00"}.items():
        assert name in words
        assert price in words


def test_new_pack_is_on_the_page_as_it_was_entered(desk: Client, alice: Person) -> None:
    assert 'value="usd"' in desk.get(f"{LIST}add/").content.decode()
    assert add(desk).status_code == 302
    pack = CreditPack.objects.get(name="Fair")
    assert (pack.shop, pack.total_credits, pack.price_minor) == (first_shop(), 2100, 1250)
    words = text_of(browser_of(alice).get("/credits/"))
    assert "Fair $12.50 2,000 credits + 100 as a gift enough for 140 images Buy for $12.50" in words
    assert words.index("Fair") < words.index("Small")


def test_pack_is_changed_and_taken_off_the_shelf(desk: Client, alice: Person) -> None:
    pack = CreditPack.objects.get(name="Small")
    sent = FIELDS | {"name": "Small", "price_minor": "600"}
    assert desk.post(f"{LIST}{pack.pk}/change/", sent).status_code == 302
    assert "Buy for $6.00" in text_of(browser_of(alice).get("/credits/"))
    del sent["is_active"]
    desk.post(f"{LIST}{pack.pk}/change/", sent)
    assert "Small" not in text_of(browser_of(alice).get("/credits/"))
    assert LogEntry.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"currency": "eur"}, "This shop's currency is USD."),
        ({"currency": "dollars"}, "at most 3 characters"),
        ({"currency": ""}, "This field is required."),
        ({"price_minor": "0"}, "greater than or equal to 1"),
        ({"price_minor": "-5"}, "greater than or equal to"),
        ({"price_minor": "49"}, "Stripe charges no less than $0.50."),
        ({"price_minor": "12.50"}, "Enter a whole number."),
        ({"price_minor": "9" * 30}, "less than or equal to"),
        ({"credits": "0"}, "greater than or equal to 1"),
        ({"credits": "10000000001"}, "That is more than a wallet should hold."),
        ({"bonus": "-1"}, "greater than or equal to 0"),
        ({"name": "Small"}, "There is a pack with this name already."),
        ({"name": ""}, "This field is required."),
        ({"position": "first"}, "Enter a whole number."),
    ],
)
def test_refusal_names_what_is_wrong(desk: Client, changes: dict[str, str], says: str) -> None:
    first_shop()
    response = add(desk, **changes)
    assert response.status_code == 200
    assert says in text_of(response)
    assert CreditPack.objects.count() == 3


def test_currency_follows_the_shop_and_may_be_written_large(desk: Client) -> None:
    first_shop()
    Shop.objects.update(currency="jpy")
    assert add(desk, currency="JPY", price_minor="500").status_code == 302
    assert CreditPack.objects.get(name="Fair").price == "¥500"


def test_price_that_stripe_would_not_charge_is_refused(desk: Client) -> None:
    first_shop()
    Shop.objects.update(currency="ugx")
    assert "Stripe charges only multiples of 1.00 UGX." in text_of(
        add(desk, currency="ugx", price_minor="50050")
    )
    assert add(desk, currency="ugx", price_minor="50000").status_code == 302


def test_pack_keeps_its_name_when_it_is_changed(desk: Client) -> None:
    add(desk)
    pack = CreditPack.objects.get(name="Fair")
    assert desk.post(f"{LIST}{pack.pk}/change/", FIELDS | {"bonus": "0"}).status_code == 302
    pack.refresh_from_db()
    assert pack.bonus == 0


def test_who_may_only_look_changes_nothing(db: None) -> None:
    first_shop()
    looker = desk_of(clerk("view_creditpack"))
    pack = CreditPack.objects.get(name="Small")
    assert looker.get(f"{LIST}{pack.pk}/change/").status_code == 200
    assert looker.post(f"{LIST}{pack.pk}/change/", FIELDS).status_code == 403
    assert add(looker).status_code == 403
    assert looker.post(f"{LIST}{pack.pk}/delete/", {"post": "yes"}).status_code == 403
    pack.refresh_from_db()
    assert pack.price_minor == 500


def test_a_new_one_is_of_the_shop_that_the_desk_shows(desk: Client) -> None:
    CreditPack.objects.create(shop=first_shop(), name="Fair", credits=1, price_minor=100, currency="usd")
    shop = a_shop(currency="eur").shop
    session = desk.session
    session[scope.CHOSEN] = shop.pk
    session.save()
    assert 'value="eur"' in desk.get(f"{LIST}add/").content.decode()
    assert "currency is EUR" in text_of(add(desk))
    assert add(desk, currency="eur").status_code == 302, "The same name at another shop is no other's"
    assert CreditPack.objects.filter(shop=shop, name="Fair", currency="eur").count() == 1


def test_a_new_shop_has_starters_where_their_prices_make_sense() -> None:
    first_shop()
    for currency, count in {"eur": 3, "jpy": 0, "huf": 0}.items():
        shop = Shop.objects.create(slug=currency, currency=currency)
        packs.stock(shop)
        assert packs.on_sale(shop.pk).count() == count


def test_while_a_shop_stands_still_nothing_is_on_sale() -> None:
    shop = first_shop()
    assert packs.on_sale(shop.pk).exists()
    Shop.objects.update(suspended_at=ago(1))
    assert not packs.on_sale(shop.pk).exists()
