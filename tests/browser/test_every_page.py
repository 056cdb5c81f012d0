"""What holds on every page: no accessibility violation, nothing refused by the policy, no scrolling sideways."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import WIDE, Shop, Visitor
from tests.browser.looks import assert_fits

PAGES = [
    "/",
    "/de/pricing/",
    "/docs/",
    "/sign-in/",
    "/sign-up/",
    "/sign-up/sent/",
    "/account/forgotten/",
    "/mails/",
    "/nothing",
]
MEMBER_PAGES = [
    "/home/",
    "/gallery/",
    "/usage/",
    "/playground/",
    "/credits/",
    "an image",
    "one being made",
    "a refused one",
    "an invalid form",
]
MEMBER_PAGES += ["/credits/automatic/", "a purchase", "a refused voucher"]
KEY_PAGES = ["a refused key", "a new key", "a key"]
MEMBER_PAGES += ["/keys/", "/keys/new/", *KEY_PAGES]
MEMBER_PAGES += ["/webhooks/", "/webhooks/new/"]
MEMBER_PAGES += ["several images as code", "a deletion", "/gallery/?mode=test", "an image in full"]
MEMBER_PAGES += ["/settings/export/", "/settings/retention/", "/settings/delete/"]
MEMBER_PAGES += ["/account/export/", "/account/delete/"]


@pytest.fixture
def visitor(browser: Browser, shop: Shop, signed_in_state: Path, path: str) -> Iterator[Visitor]:
    context = browser.new_context(
        viewport=WIDE,
        reduced_motion="reduce",
        storage_state=signed_in_state if path in MEMBER_PAGES else None,
    )
    yield Visitor(shop, context.new_page())
    context.close()


@pytest.mark.parametrize("path", [*PAGES, *MEMBER_PAGES])
def test_page_is_accessible_quiet_and_fits(visitor: Visitor, path: str) -> None:
    page = visitor.page
    if path == "an image":
        visitor.order("A hill", "3:4")
        expect(page.get_by_role("link", name="Download")).to_be_visible()
    elif path == "one being made":
        visitor.order("sandbox:slow=20 a hill")
        expect(page.get_by_role("progressbar")).to_be_visible()
    elif path == "a refused one":
        visitor.order("sandbox:content_rejected a hill")
        expect(page.get_by_text("It cost nothing.")).to_be_visible()
    elif path in ("several images as code", "a deletion", "an image in full"):
        open_made(visitor, path)
    elif path == "a purchase":
        visitor.go("/credits/")
        page.get_by_role("button", name="Buy for $5.00").click()
        page.get_by_role("button", name="Pay 5.00 USD").click()
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    elif path == "a refused voucher":
        visitor.go("/credits/")
        page.get_by_label("Code").fill("NOTHING")
        page.get_by_role("button", name="Redeem").click()
        expect(page.locator("#voucher-problem")).to_be_visible()
    elif path in KEY_PAGES:
        open_key_page(visitor, path)
    elif path == "an invalid form":
        visitor.order("x" * 1001)
        expect(page.locator("#prompt-problem")).to_be_visible()
    else:
        visitor.go(path)
    assert_fits(page)
    assert visitor.complaints == []
    if path == "one being made":
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_text("Canceled.")).to_be_visible()


def open_made(visitor: Visitor, path: str) -> None:
    page = visitor.page
    visitor.go("/playground/")
    page.get_by_label("Prompt").fill("Hills")
    page.get_by_label("Images").select_option("3")
    page.get_by_role("radio", name="Free sample").check()
    page.locator("#make").click()
    expect(page.get_by_role("link", name="Download")).to_have_count(3)
    page.get_by_text("As code").click()
    if path != "several images as code":
        page.get_by_role("link", name="Receipt").click()
        expect(page.get_by_text("It cost nothing.")).to_be_visible()
    if path == "a deletion":
        page.get_by_role("link", name="Delete", exact=True).click()
        expect(page.get_by_role("heading", name="Delete these 3 images?")).to_be_visible()


def open_key_page(visitor: Visitor, path: str) -> None:
    page = visitor.page
    visitor.go("/keys/new/")
    page.get_by_label("Name").fill("nightly")
    page.get_by_label("Only from these addresses").fill("home" if path == "a refused key" else "127.0.0.1")
    page.get_by_role("button", name="Make key").click()
    if path == "a refused key":
        expect(page.locator("#addresses-problem")).to_be_visible()
        return
    expect(page.locator("#secret")).to_be_visible()
    if path == "a key":
        page.get_by_role("link", name="I have copied it").click()
        page.get_by_role("link", name="Change nightly").first.click()
        page.get_by_text("Stop this key for good").click()
        expect(page.get_by_role("button", name="Revoke now")).to_be_visible()
