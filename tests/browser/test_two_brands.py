"""Two shops on one installation, as customers meet them: opened by a command, with a host name, a brand, a language and
a till each; and the platform, whose customers hear of neither.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
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
PROMPT = "A mole with a lantern at the quay"
# Of nobody who signs up at the platform in another test: people are the same in all shops, and hear so by mail.
IDA, GUS = "ida@ulm.example", "gus@quay.example"
DRESS = "import json; from tests import branded; [branded.dress(*each) for each in json.loads({!r})]"


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


def manage(shop: Shop, *arguments: str) -> str:
    """What a command says, beside the running shop and its database."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(shop.folder / "data", urlsplit(shop.address).port or 0),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def open_shop(shop: Shop, host: str, fields: dict[str, object], *options: str) -> str:
    """Its address."""
    said = manage(
        shop,
        "create_shop",
        str(fields["name"]),
        "--domain",
        host,
        "--currency",
        str(fields["currency"]),
        *options,
    )
    address = said.splitlines()[0]
    assert address == shop.address.replace("localhost", host)
    return address


@pytest.fixture(scope="module")
def brands(shop: Shop) -> tuple[Brand, Brand]:
    plates = open_shop(shop, "plates.localhost", branded.PLATES, "--language", "de")
    prints = open_shop(shop, "prints.localhost", branded.PRINTS)
    clothes = [
        ("plates.localhost", branded.PLATES | {"languages": ["de"]}),
        ("prints.localhost", branded.PRINTS),
    ]
    manage(shop, "shell", "-v0", "-c", DRESS.format(json.dumps(clothes)))
    return (
        Brand(
            plates,
            "/de",
            "Plattenwerk Süd",
            "de",
            "5,00 €",
            ("Harbour Prints", "prints.localhost", "Tintype", "£", "$5", "5 $"),
            confirm="Bestätigen Sie Ihre Adresse",
            thanks="Vielen Dank",
            held="3.735",
        ),
        Brand(
            prints,
            "",
            "Harbour Prints",
            "en",
            "£5.00",
            ("Plattenwerk", "plates.localhost", "Tintype", "€", "$5", "5 $"),
            confirm="Confirm your address",
            thanks="Thank you",
            held="3,735",
        ),
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
    page.locator("[name=prompt]").fill(PROMPT)
    page.locator("#make").click()
    expect(page.locator("#balance")).to_contain_text(brand.held)
    expect(page.locator("a[download]").first).to_be_visible()
    see(page, brand)
    page.goto(f"{brand.address}/gallery/")
    image = page.locator("main").get_by_role("img", name=PROMPT)
    expect(image).to_have_js_property("complete", True)
    source, width = image.evaluate("image => [image.currentSrc, image.naturalWidth]")
    assert source.startswith(brand.address), source
    assert width > 0, source


def is_unheard_of(page: Page, shop: Shop, brands: tuple[Brand, Brand]) -> None:
    """The platform's own customers find none of it."""
    for path in (
        "/pricing/",
        "/home/",
        "/gallery/",
        "/usage/",
        "/credits/",
        "/keys/",
        "/team/",
        "/audit/",
    ):
        page.goto(shop.address + path)
        expect(page).to_have_url(shop.address + path)
        text = page.content()
        theirs = [
            PROMPT,
            IDA,
            GUS,
            *(word for brand in brands for word in (brand.name, urlsplit(brand.address).netloc)),
        ]
        assert [word for word in theirs if word in text] == [], page.url


def test_two_customers_of_two_shops(
    brands: tuple[Brand, Brand],
    contexts: list[BrowserContext],
    browser: Browser,
    shop: Shop,
    signed_in_state: Path,
) -> None:
    tills = []
    for context, brand, email in zip(contexts, brands, (IDA, GUS), strict=True):
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
    _plates, prints = brands
    page = contexts[0].new_page()
    for address in (prints.address, shop.address):
        page.goto(f"{address}/home/")
        expect(page).to_have_url(re.compile(re.escape(f"{address}/sign-in/")))
    page.goto(f"{prints.address}/sign-in/")
    page.locator("[name=email]").fill(IDA)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    see(page, prints)
    expect(page.get_by_role("link", name="Found an organization")).to_be_visible()
    platforms = browser.new_context(viewport=WIDE, storage_state=signed_in_state)
    contexts.append(platforms)
    is_unheard_of(platforms.new_page(), shop, brands)
    assert manage(shop, "check_ledger", "--full").strip() == "ok"
