"""Whole ways through the shop: a new customer's, from the landing page to the usage chart; and of two they invite."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import WIDE, Shop, Visitor
from tests.browser.mail import open_link
from tests.waiting import wait_until

PASSWORD = "seven quiet harbours at dawn"
ELLA, FINN, GUS = "ella@mole.example", "finn@mole.example", "gus@mole.example"


@dataclass
class Street:
    """Where people with browsers of their own come from."""

    browser: Browser
    shop: Shop
    contexts: list[BrowserContext]

    def somebody(self) -> Visitor:
        context = self.browser.new_context(viewport=WIDE, accept_downloads=True)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.contexts.append(context)
        return Visitor(self.shop, context.new_page())


@pytest.fixture
def street(browser: Browser, shop: Shop) -> Iterator[Street]:
    found = Street(browser, shop, [])
    yield found
    for context in found.contexts:
        context.close()


def sign_up(visitor: Visitor, email: str) -> None:
    page = visitor.page
    visitor.go("/")
    page.get_by_role("link", name="Open an account").first.click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Organization").fill("Mole & Daughters")
    page.get_by_role("button", name="Open the account").click()
    open_link(page, visitor.shop.address, email, "Confirm your address")
    page.get_by_role("button", name="Yes, confirm it").click()
    expect(page).to_have_url(f"{visitor.shop.address}/home/")


def first_image(visitor: Visitor) -> None:
    """For nothing: there are no credits yet."""
    page = visitor.page
    page.get_by_role("link", name="Make an image in the playground").click()
    expect(page.get_by_role("radio", name="Free sample")).to_be_checked()
    page.get_by_role("link", name="A fox asleep in fresh snow").click()
    expect(page.get_by_label("Prompt")).to_have_value(re.compile("A fox asleep"))
    page.get_by_role("button", name="Make sample · free").click()
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    expect(page.get_by_role("img", name="A fox asleep").first).to_be_visible()


def buy(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("/home/")
    page.get_by_role("link", name="Buy credits").first.click()
    page.get_by_role("button", name="Buy for $5.00").click()
    page.get_by_role("button", name="Pay 5.00 USD").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    visitor.go("/playground/")
    expect(page.locator("#balance")).to_contain_text("3,750 credits")


def paid_image(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("radio", name="Credits").check()
    page.get_by_label("Prompt").fill("A mole with a lantern")
    page.get_by_role("button", name="Make image · 15 credits").click()
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    expect(page.locator("#balance")).to_contain_text("3,735 credits")


def key_line(visitor: Visitor) -> str:
    """A new key's line for a terminal, as the clipboard has it."""
    page = visitor.page
    visitor.go("/keys/")
    page.get_by_role("link", name="New key").click()
    page.get_by_label("Name").fill("catalogue")
    page.get_by_role("button", name="Make key").click()
    page.get_by_role("button", name="Copy the line").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    line = page.evaluate("navigator.clipboard.readText()")
    assert isinstance(line, str)
    page.get_by_role("link", name="I have copied it").click()
    return line


def run(line: str) -> str:
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, timeout=90)
    found = re.search(r"task_\w{26}", done.stdout)
    assert found, done.stdout
    return found[0]


def see_it_in_the_gallery(visitor: Visitor, task_id: str) -> None:
    page = visitor.page

    def is_there() -> bool:
        visitor.go("/gallery/")
        return page.locator(f'a[href="/gallery/{task_id}/"] img').count() > 0

    wait_until(is_there, "the image in the gallery", timeout_s=90, pause_s=0.5)
    page.get_by_label("Made by").select_option("catalogue")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".grid-of-plates li")).to_have_count(1)
    page.locator(f'a[href="/gallery/{task_id}/"]').click()
    expect(page.get_by_text("Charged")).to_be_visible()
    expect(page.get_by_text("Balance: 3,735 credits before, 3,720 after.")).to_be_visible()


def see_it_in_the_usage(page: Page, address: str) -> None:
    page.goto(f"{address}/usage/")
    expect(page.locator(".figures dd").first).to_have_text("2")
    expect(page.get_by_role("img", name="Orders delivered").locator("rect.last title")).to_have_text(
        re.compile(r"\d{4}-\d\d-\d\d: 2")
    )
    by_key = page.get_by_role("region", name="By key")
    expect(by_key.get_by_role("row").filter(has_text="tt_live_")).to_contain_text("15")


def invite(visitor: Visitor, email: str, role: str) -> None:
    page = visitor.page
    visitor.go("/team/")
    page.get_by_label("Invite by e-mail").fill(email)
    page.get_by_label("Role", exact=True).select_option(role)
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_role("status")).to_contain_text("An invitation is on its way")


def join(visitor: Visitor, email: str) -> None:
    page = visitor.page
    open_link(page, visitor.shop.address, email, "You are invited")
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Open the account").click()
    page.get_by_role("button", name="Accept").click()
    visitor.go("/home/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_new_customer_gets_from_the_landing_page_to_a_program_that_makes_images(street: Street) -> None:
    ella = street.somebody()
    sign_up(ella, ELLA)
    first_image(ella)
    buy(ella)
    paid_image(ella)
    task_id = run(key_line(ella))
    see_it_in_the_gallery(ella, task_id)
    see_it_in_the_usage(ella.page, street.shop.address)
    ella.go("/home/")
    expect(ella.page.get_by_role("heading", name="First steps")).to_have_count(0)
    invite(ella, FINN, "Developer")
    invite(ella, GUS, "Billing")
    teammate_makes_images_and_buys_nothing(street.somebody(), task_id)
    billing_buys_and_makes_nothing(street.somebody(), task_id)
    assert ella.complaints == []


def teammate_makes_images_and_buys_nothing(finn: Visitor, task_id: str) -> None:
    page = finn.page
    join(finn, FINN)
    expect(page.get_by_role("link", name="Buy credits")).to_have_count(0)
    finn.order("A mole at the sea")
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    expect(page.locator("#balance")).to_contain_text("3,705 credits")
    finn.go(f"/gallery/{task_id}/")
    expect(page.get_by_role("link", name="Use this prompt")).to_be_visible()
    finn.go("/credits/")
    expect(page.get_by_text("An owner, an admin or a billing member")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Buy"))).to_have_count(0)
    finn.go("/team/")
    expect(page.get_by_label("Invite by e-mail")).to_have_count(0)
    for path in ("/settings/delete/", "/audit/", "/credits/automatic/"):
        finn.go(path)
        expect(page.get_by_role("heading", name="Your role does not allow this")).to_be_visible()
    assert finn.complaints == []


def billing_buys_and_makes_nothing(gus: Visitor, task_id: str) -> None:
    page = gus.page
    join(gus, GUS)
    expect(page.get_by_role("link", name="New image")).to_have_count(0)
    gus.go("/playground/")
    expect(page.get_by_text("Your role, Billing, may look, but not make images.")).to_be_visible()
    expect(page.get_by_label("Prompt")).to_be_disabled()
    gus.go(f"/gallery/{task_id}/")
    expect(page.get_by_text("Charged")).to_be_visible()
    expect(page.get_by_role("link", name="Use this prompt")).to_have_count(0)
    gus.go("/keys/")
    expect(page.get_by_role("link", name="New key")).to_have_count(0)
    gus.go("/credits/")
    expect(page.locator(".purchases")).to_contain_text("$5.00")
    page.get_by_role("button", name="Buy for $5.00").click()
    page.get_by_role("button", name="Pay 5.00 USD").click()
    expect(page.get_by_text("You have 7,455 now.")).to_be_visible()
    gus.go("/webhooks/")
    expect(page.get_by_role("heading", name="Your role does not allow this")).to_be_visible()
    assert gus.complaints == []
