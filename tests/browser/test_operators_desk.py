"""An operator's first minutes: add an upstream, be told what is wrong with it, try it."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import LOOKS, WIDE, Visitor
from tests.browser.looks import accessibility
from tests.upstreams.running import running

LIST = "/admin/generations/upstream/"
# The library's own lists have it: two parts that scroll, of one name.
NOT_OURS = {"landmark-unique"}


def assert_accessible(page: Page, where: str) -> None:
    for scheme, size in LOOKS:
        # What the page does with the visitor's choice when it loads; the form would lose what was refused.
        page.evaluate("dark => document.documentElement.classList.toggle('dark', dark)", scheme == "dark")
        page.set_viewport_size(size)
        found = {violation["id"] for violation in accessibility(page).response["violations"]}
        assert found <= NOT_OURS, (where, scheme, found)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{where} scrolls sideways at {size['width']} px"
        clipped = page.locator("#result_list td").evaluate_all(
            "cells => cells.filter(cell => cell.scrollHeight > cell.clientHeight + 1).map(cell => cell.innerText)"
        )
        assert clipped == [], f"{where} cuts texts off at {size['width']} px"
    page.evaluate("document.documentElement.classList.remove('dark')")
    page.set_viewport_size(WIDE)


def test_an_upstream_is_set_up_refused_mended_tried_and_removed(owner: Visitor) -> None:
    page = owner.page
    with running("portal") as up:
        owner.go(f"{LIST}add/")
        page.get_by_label("Name").fill("Another shop")
        page.get_by_label("Provider").select_option("portal")
        page.get_by_label("Base address").fill(f"{up.base_url}/api/generate")
        page.get_by_label("Credential").fill(f"Bearer {up.credential}")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Please correct the errors below.")).to_be_visible()
        expect(page.get_by_text("/api/generate is added by itself")).to_be_visible()
        expect(page.get_by_text("Leave away the word in front of the credential")).to_be_visible()
        assert_accessible(page, "the form")
        page.get_by_label("Base address").fill(up.base_url)
        page.get_by_label("Credential").fill(up.credential)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("0 of 10 in flight, circuit closed")).to_be_visible()
        assert_accessible(page, "the list")
        page.get_by_role("link", name="Another shop").first.click()
        page.get_by_role("link", name="Try it").click()
        page.get_by_role("button", name="Make one image").click()
        expect(page.locator("#outcome")).to_be_visible()
        page.locator(".desk-result img").evaluate("image => image.decode()")
        assert_accessible(page, "the trial")
        page.get_by_role("link", name="Back", exact=True).click()
        expect(page.get_by_text("never shown again")).to_be_visible()
        page.get_by_role("link", name="Delete").click()
        page.get_by_role("button", name="Yes, I’m sure").click()
        expect(page.get_by_role("heading", name="No results found")).to_be_visible()
    assert owner.complaints == []


def test_refused_account_is_on_every_page_until_somebody_closes_the_circuit(owner: Visitor) -> None:
    page = owner.page
    with running("portal") as up:
        owner.go(f"{LIST}add/")
        page.get_by_label("Name").fill("Out of credits")
        page.get_by_label("Provider").select_option("portal")
        page.get_by_label("Base address").fill(up.base_url)
        page.get_by_label("Credential").fill(up.credential)
        page.get_by_role("button", name="Save", exact=True).click()
        owner.order("a lighthouse up:402")
        expect(page.get_by_text("It cost nothing.")).to_be_visible()
        notice = page.get_by_text("Our balance with Out of credits is used up.")
        for place in ("/admin/", "/admin/generations/attempt/", LIST):
            owner.go(place)
            expect(notice).to_be_visible()
        expect(page.get_by_text("circuit open since")).to_be_visible()
        assert_accessible(page, "the list with a circuit open")
        for action, done in {
            "close_circuits": "1 circuit was closed.",
            "disable": "1 upstream was changed.",
        }.items():
            page.get_by_role("checkbox", name="Select record").last.check()
            page.get_by_label("Select action to run").select_option(action)
            page.get_by_role("button", name="Run").click()
            expect(page.get_by_text(done)).to_be_visible()
        expect(notice).to_have_count(0)
    assert owner.complaints == []
