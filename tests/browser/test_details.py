"""Pages of one thing, and those of the docs: accessible, quiet, and no wider than a phone."""

from playwright.sync_api import expect

from config.docs.pages import PAGES
from tests import scale
from tests.browser.conftest import LOOKS, Visitor
from tests.browser.looks import assert_fits


def test_pages_of_the_docs(stranger: Visitor) -> None:
    for number, page in enumerate(PAGES):
        stranger.go(page.address)
        stranger.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert_fits(stranger.page, LOOKS if scale.PROOF else [LOOKS[number % len(LOOKS)]])


def test_page_of_an_order(owner: Visitor) -> None:
    owner.order("A hill")
    expect(owner.page.get_by_role("link", name="Download")).to_be_visible()
    task = owner.page.url.rstrip("/").rpartition("/")[2]
    owner.go(f"/gallery/{task}/")
    expect(owner.page.get_by_role("heading", name="Receipt")).to_be_visible()
    assert_fits(owner.page)


def test_pages_of_an_endpoint_and_of_a_delivery(owner: Visitor) -> None:
    page = owner.page
    owner.go("/webhooks/new/")
    page.locator("input[name=url]").fill("https://93.184.215.14/hooks")
    page.locator("input[name=events]").first.check()
    page.get_by_role("button", name="Make endpoint").click()
    send = page.get_by_role("button", name="Send a test event")
    expect(send).to_be_visible()
    assert_fits(page)
    send.click()
    expect(page.get_by_role("heading", name="webhook.test")).to_be_visible()
    assert_fits(page)
