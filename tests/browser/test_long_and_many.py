"""The longest names there may be, without a space, and more images than a page holds: no page grows wide, or jumps."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.conftest import PHONE, WIDE, Shop, Visitor
from tests.browser.long_and_many import MORE
from tests.browser.test_playground import SHIFTS, shifts
from tests.faults.shop import environment
from tests.processes import ROOT

# What sticks out although the page as a whole does not scroll, but for what scrolls by itself or is not to be seen.
STICKS_OUT = """() => {
    const scrolls = (one) => one && (getComputedStyle(one).overflowX !== "visible" || scrolls(one.parentElement));
    return [...document.querySelectorAll("main *")]
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !scrolls(one.parentElement))
        .map((one) => one.outerHTML.slice(0, 120));
}"""


@pytest.fixture(scope="module")
def rows(shop: Shop) -> dict[str, Any]:
    port = int(shop.address.rpartition(":")[2])
    done = subprocess.run(
        [sys.executable, "-m", "tests.browser.long_and_many"],
        cwd=ROOT,
        env=environment(shop.folder / "data", port),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=180,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture
def somebody(browser: Browser, shop: Shop, rows: dict[str, Any]) -> Iterator[Visitor]:
    context = browser.new_context(viewport=PHONE, reduced_motion="reduce")
    context.add_cookies([{"name": "sessionid", "value": rows["session"], "url": shop.address}])
    visitor = Visitor(shop, context.new_page())
    yield visitor
    context.close()
    assert visitor.complaints == []


def too_wide(page: Page) -> list[str]:
    """At both widths; empty where all of the page can be seen."""
    found = []
    for size in (PHONE, WIDE):
        page.set_viewport_size(size)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > size["width"]:
            found.append(f"{page.url} at {size['width']}: {width} {page.evaluate(STICKS_OUT)}")
    return found


def test_long_names_widen_no_page(somebody: Visitor, rows: dict[str, Any]) -> None:
    page, found = somebody.page, list[str]()
    for path in rows["paths"]:
        answer = page.goto(somebody.shop.address + path)
        assert answer is not None
        assert answer.status == 200, path
        assert page.url.startswith(somebody.shop.address + path.partition("?")[0]), page.url
        found += too_wide(page)
    assert found == []


def test_prices_are_read_on_a_phone_without_scrolling(stranger: Visitor) -> None:
    page = stranger.page
    page.set_viewport_size(PHONE)
    stranger.go("/pricing/")
    box = page.get_by_role("region", name="What an image costs")
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    price = page.get_by_role("cell").last
    place = price.bounding_box()
    assert place is not None
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= PHONE["width"]
    assert price.evaluate("price => getComputedStyle(price, '::before').content") not in ("", "none", '""')


BETWEEN = ViewportSize(width=1100, height=700)  # where a page of images fills no whole rows


@pytest.mark.parametrize("size", [WIDE, PHONE, BETWEEN], ids=["wide", "phone", "between"])
def test_nothing_jumps_when_older_images_arrive(somebody: Visitor, size: ViewportSize) -> None:
    page = somebody.page
    page.set_viewport_size(size)
    page.add_init_script(SHIFTS)
    somebody.go("/gallery/?mode=test")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")  # where the foot is in sight
    images = page.locator(".grid-of-plates img")
    expect(images).to_have_count(1 + MORE)
    images.last.scroll_into_view_if_needed()
    images.last.evaluate("image => image.decode()")
    assert shifts(page) == []
