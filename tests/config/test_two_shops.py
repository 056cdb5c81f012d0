"""Two shops in one process, asked in turns: each shows what is its own, whatever was shown before."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Shop, User
from billing.models import CreditPack
from generations import runner, samples
from generations.lifecycle import submit
from generations.models import Image, ModelPrice
from tests import branded
from tests.makers import a_request, an_access
from tests.pages import database_away, text_of
from tests.several import an_owner, browser_at

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def stripe(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY, settings.TILL = "sk_test_x", True


@pytest.fixture
def plates() -> Shop:
    return branded.a_shop("platten.example", branded.PLATES, with_logo=True)


@pytest.fixture
def prints() -> Shop:
    shop = branded.a_shop("prints.example", branded.PRINTS)
    ModelPrice.objects.filter(shop=shop).update(credits=40)
    CreditPack.objects.filter(shop=shop).update(price_minor=700)
    return shop


def in_turns(*shops: Shop) -> Iterator[tuple[Client, ...]]:
    for _turn in range(2):
        yield tuple(browser_at(shop) for shop in shops)


def a_picture_of(shop: Shop, email: str, prompt: str) -> tuple[Image, User]:
    owner = an_owner(shop, email, "Harbour", credits=100)
    generation = submit(an_access(owner.organization), a_request(prompt), endpoint="test")
    runner.run(generation.pk)
    return Image.objects.get(generation=generation), owner.user


def test_landing_page_and_prices(plates: Shop, prints: Shop) -> None:
    for at_plates, at_prints in in_turns(plates, prints):
        german, english = text_of(at_plates.get("/de/")), text_of(at_prints.get("/"))
        assert "Bilder aus einem Satz" in german
        assert "15 Credits" in german
        assert "Pictures by the quay." in english
        assert "40 credits an image" in english
        for page in ("/pricing/", "/"):
            assert "$" not in re.sub(r"\$(KEY|TASK_ID)", "", text_of(at_prints.get(page)))
        assert "£7.00" in text_of(at_prints.get("/pricing/"))
        assert "5,00\N{NO-BREAK SPACE}€" in at_plates.get("/de/pricing/").content.decode()
        for page, other in ((german, "Harbour Prints"), (english, "Plattenwerk")):
            assert other not in page


def test_own_words_on_the_landing_page_are_paragraphs_and_no_markup(plates: Shop, prints: Shop) -> None:
    html = browser_at(plates).get("/de/").content.decode()
    assert "<p>Wir machen Bilder seit 1911.</p>" in html
    assert "<p>Auf Wunsch auch &lt;gerahmt&gt;.</p>" in html
    assert "own-words" not in browser_at(prints).get("/").content.decode()


def test_logo_card_icon_and_colours(plates: Shop, prints: Shop) -> None:
    plates.refresh_from_db()
    for at_plates, at_prints in in_turns(plates, prints):
        assert at_plates.get(f"/logo/{plates.logo}.png").status_code == 200
        assert at_prints.get(f"/logo/{plates.logo}.png").status_code == 404
        assert at_plates.get("/card/x.jpeg").content != at_prints.get("/card/x.jpeg").content
        assert at_plates.get("/favicon.ico")["Location"] == "/accent/1d5f8a.svg"
        assert at_prints.get("/favicon.ico")["Location"] == "/accent/7a2f63.svg"
        assert "/accent/7a2f63.css" in at_prints.get("/sign-in/").content.decode()
        assert "/accent/7a2f63" not in at_plates.get("/sign-in/").content.decode()


def test_samples(plates: Shop, prints: Shop) -> None:
    samples.pick(*a_picture_of(plates, "dora@harbour.example", "a barge"))
    samples.pick(*a_picture_of(prints, "gus@mole.example", "a crane"))
    for at_plates, at_prints in in_turns(plates, prints):
        for client, own, other in ((at_plates, "a barge", "a crane"), (at_prints, "a crane", "a barge")):
            html = (
                client.get("/").content.decode() if own == "a crane" else client.get("/de/").content.decode()
            )
            assert f'alt="{own}"' in html
            assert f'alt="{other}"' not in html


def test_documentation_and_schema(plates: Shop, prints: Shop) -> None:
    for at_plates, at_prints in in_turns(plates, prints):
        assert at_plates.get("/api/schema").json()["info"]["title"] == "Plattenwerk Süd API"
        assert at_prints.get("/api/schema").json()["info"]["title"] == "Harbour Prints API"
        guide = at_prints.get("/docs/").content.decode()
        assert "http://prints.example:8000/api/generate" in guide
        assert "platten.example" not in guide
        assert "http://platten.example:8000" in at_plates.get("/de/docs/reference/").content.decode()


def test_each_wears_its_own_brand_while_the_database_is_away(plates: Shop, prints: Shop) -> None:
    clients = browser_at(plates), browser_at(prints)
    for client in clients:
        client.get("/sign-in/")
    with database_away():
        words = [text_of(client.get("/pricing/")) for client in clients]
    assert ["Plattenwerk" in one for one in words] == [True, False]
    assert ["Harbour Prints" in one for one in words] == [False, True]


def test_search_engines_are_told_of_its_own_pages(plates: Shop) -> None:
    client = browser_at(plates)
    assert "Sitemap: http://platten.example:8000/sitemap.xml" in client.get("/robots.txt").content.decode()
    listed = client.get("/sitemap.xml").content.decode()
    assert "<loc>http://platten.example:8000/de/docs/limits/</loc>" in listed
    assert "<loc>http://platten.example:8000/pricing/</loc>" in listed
    assert set(re.findall(r"https?://([^/]+)/", listed)) <= {
        "platten.example:8000",
        "www.sitemaps.org",
        "www.w3.org",
    }


def test_password_that_a_demo_printed_is_of_its_first_shop(settings: Settings, plates: Shop) -> None:
    settings.DEMO = True
    printed = "were printed where the shop was first started"
    assert printed in text_of(Client().get("/sign-in/"))
    assert "demo" not in text_of(browser_at(plates).get("/sign-in/")).lower()
