"""The landing page, prices, and what is drawn: all from the shop's own rows, nothing from elsewhere."""

import re
from io import BytesIO

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory, override_settings
from PIL import Image as Picture
from pytest_django import Settings

from accounts import shops
from accounts.errors import DomainError
from accounts.models import Shop
from accounts.shops import first_shop
from billing.models import CreditPack
from config import pages, pricing
from generations.models import ImageModel, ModelPrice
from tests.cast import Person
from tests.pages import browser_of, text_of
from tests.processes import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def stripe(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY, settings.TILL = "sk_test_x", False


def a_pack(**changes: object) -> CreditPack:
    CreditPack.objects.all().delete()
    fields = {"name": "Box", "credits": 1000, "price_minor": 1000, "currency": "usd"}
    return CreditPack.objects.create(shop=first_shop(), **fields | changes)


# --- The landing page


def test_landing_says_what_an_image_costs_in_credits_and_from_which_price() -> None:
    words = text_of(browser_of().get("/"))
    assert "15 credits an image" in words
    assert "from $0.02" in words
    assert "What does a failed image cost? Nothing." in words


def test_landing_names_no_price_in_money_where_nothing_can_be_paid(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    assert "$" not in re.sub(r"\$(KEY|TASK_ID)", "", text_of(browser_of().get("/")))


def test_landing_makes_the_promise_of_its_operator() -> None:
    first_shop()
    Shop.objects.update(promise="Plates <for> everybody.")
    html = browser_of().get("/").content.decode()
    assert '<p class="lead">Plates &lt;for&gt; everybody.</p>' in html
    assert '<meta name="description" content="Plates &lt;for&gt; everybody.">' in html


def test_landing_is_small_and_asks_nobody_else_for_anything(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://shop.example"
    html = browser_of().get("/").content.decode()
    assert len(html) < 20_000
    assert set(re.findall(r"https?://[^/\"' ]+", html)) == {"https://shop.example"}


@pytest.mark.parametrize("path", ["/", "/pricing/", "/docs/"])
def test_scripts_and_styles_of_a_public_page_are_few(path: str) -> None:
    html = browser_of().get(path).content.decode()
    files = re.findall(r"static/((?:css|js)/[\w.-]+?)(?:\.[0-9a-f]{12})?\.(css|js)\"", html)
    assert len(files) >= 2
    total_bytes = len(html) + sum((ROOT / "static" / f"{name}.{kind}").stat().st_size for name, kind in files)
    assert total_bytes < 100_000


@pytest.mark.parametrize("sign_up", ["open", "invitation"])
def test_welcome_credits_are_named_only_where_accounts_are_opened(settings: Settings, sign_up: str) -> None:
    settings.WELCOME_CREDITS, settings.SIGN_UP = 1234, sign_up
    for path in ("/", "/pricing/"):
        assert ("1,234 credits" in text_of(browser_of().get(path))) is (sign_up == "open")


# --- Prices


def test_pricing_counts_each_pack_in_images_of_each_model() -> None:
    shop, pack = first_shop(), a_pack(bonus=100)
    fine = ImageModel.objects.create(slug="fine", name="Fine")
    ModelPrice.objects.create(shop=shop, model=fine, credits=40)
    words = text_of(browser_of().get("/pricing/"))
    assert "Box $10.00 1,000 credits + 100 as a gift 73 images at $0.1364 each" in words
    assert "Fine fine 40 $0.3637" in words
    pack.delete()
    assert "This shop takes no payments" in text_of(browser_of().get("/pricing/"))


def test_pricing_is_honest_without_stripe(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    Shop.objects.filter(pk=first_shop().pk).update(support_email="help@shop.example")
    words = text_of(browser_of().get("/pricing/"))
    assert "This shop takes no payments at the moment." in words
    assert "Ask for them at help@shop.example" in words
    assert "$" not in words
    assert "15" in words


def test_pricing_says_so_when_nothing_is_on_sale() -> None:
    first_shop()
    ImageModel.objects.update(active=False)
    assert "Nothing is on sale at the moment." in text_of(browser_of().get("/pricing/"))


def test_pricing_says_that_a_till_moves_no_money(settings: Settings) -> None:
    settings.TILL = True
    assert "a till that moves no money" in text_of(browser_of().get("/pricing/"))


def test_members_are_led_to_their_credits(alice: Person) -> None:
    html = browser_of(alice).get("/pricing/").content.decode()
    assert 'href="/credits/"' in html
    assert 'href="/sign-up/"' not in html


def test_price_of_an_image_is_never_stated_too_low() -> None:
    pack = a_pack(credits=7, price_minor=100, currency="usd")
    assert pricing.offer(pack, 1).an_image == "$0.1429"  # a seventh of a dollar is 0.142857
    assert pricing.offer(pack, 7).an_image == "$1.00"
    assert pricing.offer(pack, 8).images == 0


# --- The foot


def test_foot_links_what_the_operator_entered_and_nothing_else(alice: Person) -> None:
    first_shop()
    for client, path in (
        (browser_of(), "/sign-in/"),
        (browser_of(alice), "/home/"),
        (browser_of(), "/nothing"),
    ):
        Shop.objects.update(terms_url="", privacy_url="", imprint_url="", support_email="")
        shops.forget()
        assert not re.search("Terms|Imprint|Support", _foot(client, path))
        Shop.objects.update(
            terms_url="https://shop.example/t",
            privacy_url="https://shop.example/p",
            imprint_url="https://shop.example/i",
            support_email="help@shop.example",
        )
        shops.forget()
        links = dict(re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', _foot(client, path)))
        assert links["https://shop.example/t"] == "Terms"
        assert links["https://shop.example/p"] == "Privacy"
        assert links["https://shop.example/i"] == "Imprint"
        assert links["mailto:help@shop.example"] == "Support"


def _foot(client: object, path: str) -> str:
    html: str = client.get(path).content.decode()  # type: ignore[attr-defined]
    return html[html.index("<footer") : html.index("</footer>")]


# --- Errors


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_error_wears_the_shops_clothes_and_says_what_to_do_next(status: int, rf: RequestFactory) -> None:
    Shop.objects.filter(pk=first_shop().pk).update(name="Plate & Co", support_email="help@shop.example")
    request = rf.get("/somewhere/?page=2")
    request.user, request.shop_id, request.request_id = AnonymousUser(), first_shop().pk, "req_7"  # type: ignore[attr-defined]
    error = DomainError("Refused", retry_after=30 if status in (429, 503) else None)
    error.status = status
    answer = pages.error_page(request, error)
    html, words = answer.content.decode(), text_of(answer)
    assert answer.status_code == status
    assert "Plate &amp; Co" in html
    assert str(pages.WORDS[status][1]) in words
    assert 'href="/">To the start page' in html
    assert ("Try again in 30 seconds." in words) is (status in (429, 503))
    assert ('href="/somewhere/?page=2">Try again' in html) is (status in (429, 500, 503))
    assert "help@shop.example , name this request: req_7" in words


# --- Drawn


def test_social_card_is_drawn_with_the_shops_name_and_named_in_the_head(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://shop.example"
    first_shop()
    cards = []
    for name in ("Tintype", "Plate & Co", "图片商店"):
        Shop.objects.update(name=name)
        shops.forget()
        html = browser_of().get("/").content.decode()
        address = re.search(r'<meta property="og:image" content="https://shop.example([^"]+)">', html)
        assert address
        answer = browser_of().get(address[1])
        assert answer["Content-Type"] == "image/jpeg"
        with Picture.open(BytesIO(answer.content)) as card:
            assert (card.format, card.size) == ("JPEG", (1200, 630))
        cards.append((address[1], answer.content))
    assert len(set(cards)) == 3
    assert max(len(content) for _path, content in cards) < 150_000


def test_icon_has_the_shops_colour() -> None:
    first_shop()
    Shop.objects.update(accent="#004488")
    assert '<link rel="icon" href="/accent/004488.svg"' in browser_of().get("/").content.decode()
    icons = [browser_of().get(f"/accent/{colour}.svg") for colour in ("004488", "a8470a")]
    assert {icon["Content-Type"] for icon in icons} == {"image/svg+xml"}
    assert icons[0].content != icons[1].content
    assert browser_of().get("/accent/red.svg").status_code == 404
    assert browser_of().get("/favicon.ico").status_code == 302


def test_styleguide_is_for_developers_alone() -> None:
    assert browser_of().get("/styleguide/").status_code == 404
    with override_settings(DEBUG=True):
        answer = browser_of().get("/styleguide/")
    assert answer.status_code == 200
    palette = (ROOT / "static" / "css" / "palette.css").read_text()
    for token in re.findall(r"<code>--([\w-]+)</code>", answer.content.decode()):
        assert f"--{token}:" in palette
