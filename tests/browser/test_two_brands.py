"""Two shops on one installation, as customers meet them: two host names, two brands, two languages, two tills."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import branded
from tests.browser.conftest import WIDE, Shop
from tests.browser.looks import assert_fits
from tests.browser.mail import open_link
from tests.faults.shop import environment
from tests.processes import ROOT

PASSWORD = "seven quiet harbours at dawn"
MAKE = "import json; from tests import branded; branded.a_shop(**json.loads({!r}))"


@dataclass
class Brand:
    """A shop and what its customers see of it. `prefix`: of the addresses of pages for anybody; `sum`: of its smallest
    pack.
    """

    address: str
    prefix: str
    name: str
    language: str
    sum: str
    others: tuple[str, ...]
    confirm: str
    thanks: str
    held: str


def make(shop: Shop, host: str, fields: dict[str, object], *, with_logo: bool) -> str:
    """Its address. Into the running shop's own database."""
    port = urlsplit(shop.address).port
    assert port is not None
    given = json.dumps({"host": host, "fields": fields, "with_logo": with_logo})
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", MAKE.format(given)],
        cwd=ROOT,
        env=environment(shop.folder / "data", port),
        check=True,
        timeout=60,
    )
    return f"http://{host}:{port}"


@pytest.fixture(scope="module")
def plates(shop: Shop) -> Brand:
    address = make(shop, "plates.localhost", branded.PLATES | {"languages": ["de"]}, with_logo=True)
    return Brand(
        address,
        "/de",
        "Plattenwerk Süd",
        "de",
        "5,00 €",
        ("Harbour Prints", "prints.localhost", "Tintype", "£", "$5", "5 $"),
        confirm="Bestätigen Sie Ihre Adresse",
        thanks="Vielen Dank",
        held="3.735",
    )


@pytest.fixture(scope="module")
def prints(shop: Shop) -> Brand:
    address = make(shop, "prints.localhost", branded.PRINTS, with_logo=False)
    return Brand(
        address,
        "",
        "Harbour Prints",
        "en",
        "£5.00",
        ("Plattenwerk", "plates.localhost", "Tintype", "€", "$5", "5 $"),
        confirm="Confirm your address",
        thanks="Thank you",
        held="3,735",
    )


@pytest.fixture
def contexts(browser: Browser) -> Iterator[list[BrowserContext]]:
    """Of browsers that speak both languages: each shop answers in its own."""
    opened = [browser.new_context(viewport=WIDE, locale="fr-FR") for _ in range(2)]
    yield opened
    for context in opened:
        context.close()


def see(page: Page, brand: Brand) -> None:
    """The page is this shop's, and nobody else's."""
    assert page.url.startswith(brand.address), page.url
    expect(page).to_have_title(re.compile(re.escape(brand.name)))
    expect(page.locator("html")).to_have_attribute("lang", brand.language)
    text = page.content()
    named = [other for other in brand.others if other.lower() in text.lower()]
    assert named == [], page.url


def sign_up(page: Page, brand: Brand, email: str) -> None:
    page.goto(f"{brand.address}{brand.prefix}/")
    see(page, brand)
    page.locator('a.large[href="/sign-up/"]').first.click()
    see(page, brand)
    page.locator("[name=email]").fill(email)
    page.locator("[name=password1]").fill(PASSWORD)
    page.locator("[name=organization]").fill("Mole & Daughters")
    for box in page.locator("[name=accept]").all():
        box.check()
    page.locator("form.stack button.wide").first.click()
    see(page, brand)
    open_link(page, brand.address, email, f"{brand.confirm}")
    see(page, brand)
    page.locator("main form button").click()
    expect(page).to_have_url(f"{brand.address}/home/")
    see(page, brand)


def buy(page: Page, brand: Brand) -> str:
    """The address of the till."""
    page.goto(f"{brand.address}/credits/")
    see(page, brand)
    expect(page.locator(".packs .price").first).to_have_text(brand.sum.replace(" ", "\N{NO-BREAK SPACE}"))
    page.locator(".packs button").first.click()
    expect(page.locator("button[value=pay]")).to_be_visible()
    till = page.url
    words = page.content()
    assert [other for other in brand.others if other in words] == []
    expect(page.locator(".sum .total")).to_contain_text("EUR" if "€" in brand.sum else "GBP")
    for box in page.locator("[name=terms]").all():
        box.check()
    page.locator("button[value=pay]").click()
    expect(page.get_by_role("heading", name=brand.thanks)).to_be_visible()
    see(page, brand)
    return till


def order(page: Page, brand: Brand) -> None:
    page.goto(f"{brand.address}/playground/")
    see(page, brand)
    page.locator("[name=prompt]").fill("A mole with a lantern")
    page.locator("#make").click()
    expect(page.locator("#balance")).to_contain_text(brand.held)
    expect(page.locator("a[download]").first).to_be_visible()
    see(page, brand)


def test_two_customers_of_two_shops(
    plates: Brand, prints: Brand, contexts: list[BrowserContext], shop: Shop
) -> None:
    tills = []
    for context, brand, email in zip(
        contexts, (plates, prints), ("dora@harbour.example", "gus@mole.example"), strict=True
    ):
        page = context.new_page()
        sign_up(page, brand, email)
        tills.append(buy(page, brand))
        order(page, brand)
        anybodys = (f"{brand.prefix}/pricing/", f"{brand.prefix}/docs/")
        for path in (*anybodys, "/credits/", "/gallery/", "/keys/", "/account/"):
            page.goto(brand.address + path)
            see(page, brand)
        assert_fits(page)
    assert len(set(tills)) == 2
    # Each is a stranger at the other's, and at the platform's own shop.
    page = contexts[0].new_page()
    for address in (prints.address, shop.address):
        page.goto(f"{address}/home/")
        expect(page).to_have_url(re.compile(re.escape(f"{address}/sign-in/")))
    page.goto(f"{prints.address}/sign-in/")
    page.locator("[name=email]").fill("dora@harbour.example")
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    see(page, prints)
    expect(page.get_by_role("link", name="Found an organization")).to_be_visible()
