"""A shop that has no price for any model sells nothing for now. Its customers read that, and its operators are told."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts import shops
from accounts.models import Shop
from accounts.shops import first_shop
from config.doctor import shops as of_shops
from generations import catalogue
from generations.models import ImageModel, ModelPrice
from tests.accounts.client import generate
from tests.cast import Person, new_key
from tests.config.desk_shops import SECOND, a_desk
from tests.operators import desk_of, operator
from tests.pages import browser_of, made, order, order_token, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    shop = first_shop()
    ModelPrice.objects.filter(shop=shop).delete()
    return shop


def test_its_customers_read_what_is_the_case_and_whom_to_ask(shop: Shop, alice: Person) -> None:
    client: Client = browser_of(alice)
    page = client.get("/credits/")
    assert page.status_code == 200
    assert "This shop sells no images at the moment" in text_of(page)
    assert "Ask its operator when that changes." in text_of(page)
    assert 'action="/credits/buy/"' not in page.content.decode()
    assert 'name="code"' in page.content.decode(), "A voucher can be redeemed all the same"
    Shop.objects.filter(pk=shop.pk).update(support_email="help@shop.example")
    shops.forget()
    assert "mailto:help@shop.example" in client.get("/credits/").content.decode()
    home = client.get("/home/")
    assert home.status_code == 200
    assert "1,500 nothing is on sale" in text_of(home)


def test_the_playground_says_so_and_does_not_say_try_again(alice: Person) -> None:
    client = browser_of(alice)
    task_id, token = made(client).task_id, order_token(client)
    ModelPrice.objects.all().delete()
    paths = ("/playground/", f"/playground/?again={task_id}", f"/playground/{task_id}/")
    pages: list[Any] = [client.get(path) for path in paths]
    assert [page.status_code for page in pages] == [200, 200, 200]
    refused = order(client, order_token=token)
    assert refused.status_code == 503
    for page in (*pages, refused):
        assert "This shop sells no images at the moment. Its operator has to mend that" in text_of(page)
        assert "Try again" not in text_of(page)
        assert "nothing is on sale" in text_of(page)
        assert '<fieldset class="stack" disabled hidden>' in page.content.decode()
    assert '<a class="picture" href=' in pages[2].content.decode()
    assert client.get("/gallery/").status_code == 200


def test_what_was_ordered_before_is_shown_once_it_is_made(alice: Person) -> None:
    client = browser_of(alice)
    path = f"/playground/{made(client).task_id}/progress"
    ModelPrice.objects.all().delete()
    page = client.get(path, {"seen": "running.50"}, headers={"HX-Request": "true"})
    assert page.status_code == 200
    assert "<img" in page.content.decode()


def test_strangers_read_it_on_the_landing_page(shop: Shop) -> None:
    for path in ("/", "/pricing/"):
        page = browser_of().get(path)
        assert page.status_code == 200
        assert "Nothing is on sale at the moment." in text_of(page)


def test_programs_get_the_answer_for_what_is_unavailable(shop: Shop, alice: Person) -> None:
    _key, secret = new_key(alice)
    answer = generate(secret)
    assert answer.status_code == 503
    assert "does not offer that at the moment" in answer.content.decode()


def test_another_models_price_stands_in_for_the_usual_ones(shop: Shop, alice: Person) -> None:
    other = ImageModel.objects.create(slug="other", name="Other")
    ModelPrice.objects.create(shop=shop, model=other, credits=7)
    assert catalogue.usual_price(shop.pk) == 7
    for client, path in (
        (browser_of(), "/"),
        (browser_of(alice), "/credits/"),
        (browser_of(alice), "/home/"),
    ):
        page = client.get(path)
        assert page.status_code == 200
        assert "sells no images" not in text_of(page)
        assert "nothing is on sale" not in text_of(page)


def test_operators_are_told_at_the_desk_and_by_the_doctor(alice: Person, settings: Settings) -> None:
    settings.UNKNOWN_HOSTS = "refuse"
    desk = a_desk(SECOND, "second.example")
    theirs, boss = desk.browser(desk.staff()), desk_of(operator())
    for client in (theirs, boss):
        assert "sells nothing" not in text_of(client.get("/admin/"))
    assert not [one for one in of_shops.look() if "no price" in str(one)]
    ModelPrice.objects.filter(shop=desk.shop).delete()
    for client in (theirs, boss):
        page = text_of(client.get("/admin/"))
        assert f"Shop of {SECOND} sells nothing." in page
        assert "add one" in page
    boss.post("/admin/shown/", {"shop": first_shop().pk})
    assert "sells nothing" not in text_of(boss.get("/admin/"))
    ModelPrice.objects.filter(shop=first_shop()).delete()
    assert "sells nothing" in text_of(boss.get("/admin/"))
    said = [str(one) for one in of_shops.look() if "no price" in str(one)]
    assert len(said) == 2
    assert "The first shop" in said[0]
