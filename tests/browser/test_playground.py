"""What the playground's script adds: prices, dice and lock, code to copy; and that nothing jumps, whatever arrives."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import PHONE, WIDE, Visitor

SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) {
            window.shifts.push([entry.value, ...entry.sources.map(({node}) => node?.nodeName + "." + node?.className)]);
        }
    }).observe({type: "layout-shift", buffered: true});
"""


@pytest.fixture(params=[WIDE, PHONE], ids=["wide", "phone"])
def size(request: pytest.FixtureRequest) -> ViewportSize:
    found: ViewportSize = request.param
    return found


def shifts(page: Page) -> Any:
    # Entries are reported after the frame that shifted.
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return page.evaluate("window.shifts")


def test_nothing_jumps_while_the_image_comes(owner: Visitor, size: ViewportSize) -> None:
    page = owner.page
    page.set_viewport_size(size)
    page.add_init_script(SHIFTS)
    owner.order("Steady", "16:9")
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    page.get_by_role("img", name="Steady").first.evaluate("image => image.decode()")
    assert shifts(page) == []


def test_nothing_jumps_when_it_fails_or_another_choice_is_made(owner: Visitor) -> None:
    page = owner.page
    page.add_init_script(SHIFTS)
    owner.order("sandbox:failed a fox", "4:3")
    expect(page.get_by_text("It cost nothing.")).to_be_visible()
    page.get_by_role("radio", name="Free sample").evaluate("radio => radio.click()")
    page.get_by_label("Images").select_option("4")
    assert shifts(page) == []


def test_lost_connection_is_said_and_asking_goes_on(owner: Visitor) -> None:
    page = owner.page
    owner.order("sandbox:slow=6 patience")
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.context.set_offline(True)
    expect(page.locator("#trouble")).to_contain_text("Your order goes on")
    page.context.set_offline(False)
    expect(page.locator("#trouble")).to_have_text("")
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    # What the browser and htmx say of a request that went nowhere; anything else is a complaint.
    owner.complaints[:] = [
        one for one in owner.complaints if not re.match(r"htmx:(sendError|afterRequest)|.*ERR_INTERNET", one)
    ]


def test_price_and_balance_after_follow_the_choices(owner: Visitor) -> None:
    page = owner.page
    owner.go("/playground/")
    page.get_by_role("radio", name="Credits").check()
    page.get_by_label("Images").select_option("1")
    left = owner.credits()
    expect(page.locator("#make")).to_have_text("Make image · 15 credits")
    page.get_by_label("Images").select_option("3")
    expect(page.locator("#make")).to_have_text("Make 3 images · 45 credits")
    expect(page.locator("#after")).to_contain_text(f"Balance after: {left - 45:,} credits")
    page.get_by_role("radio", name="Free sample").check()
    expect(page.locator("#make")).to_have_text("Make 3 samples · free")
    expect(page.locator("#after")).to_contain_text("Nothing is charged")


def test_dice_roll_a_seed_and_the_lock_keeps_the_one_that_was_drawn(owner: Visitor) -> None:
    page = owner.page
    owner.order("Locked")
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    drawn = re.sub(r"\D", "", page.locator(".facts span").first.inner_text())
    seed, lock = (
        page.get_by_label("Seed", exact=False).first,
        page.get_by_role("button", name="Keep the seed"),
    )
    expect(seed).to_have_value("")
    expect(lock).to_have_attribute("aria-pressed", "false")
    lock.click()
    expect(seed).to_have_value(drawn)
    expect(lock).to_have_attribute("aria-pressed", "true")
    lock.click()
    expect(seed).to_have_value("")
    page.get_by_role("button", name="Roll a seed").click()
    expect(seed).to_have_value(re.compile(r"^\d{1,10}$"))
    page.locator("#make").click()
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    expect(seed).not_to_have_value("")  # it is kept until it is let go
    lock.click()
    page.locator("#make").click()
    expect(page.get_by_role("link", name="Vary")).to_be_visible()
    page.get_by_role("link", name="Vary").click()
    expect(page.get_by_label("Prompt")).to_have_value("Locked")
    expect(page.locator("#make")).to_be_focused()


def test_order_is_copied_as_code(owner: Visitor) -> None:
    page = owner.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    owner.order("A copied fox", "3:4")
    for language, begins in (("curl", "curl -X POST"), ("Python", "import requests")):
        page.get_by_role("button", name=f"Copy as {language}").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        expect(page.get_by_role("button", name=f"Copy as {language}")).to_be_visible()
        text = page.evaluate("navigator.clipboard.readText()")
        assert text.startswith(begins)
        assert "A copied fox" in text


def test_what_was_typed_is_there_after_a_refusal(owner: Visitor) -> None:
    page = owner.page
    owner.go("/playground/")
    page.get_by_label("Prompt").fill("sandbox:402 a kept fox")
    page.get_by_label("Images").select_option("2")
    page.get_by_role("radio", name="Free sample").check()
    page.get_by_role("radio", name="9:16").check()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("Not enough credits")
    expect(page.get_by_label("Prompt")).to_have_value("sandbox:402 a kept fox")
    expect(page.get_by_role("radio", name="9:16")).to_be_checked()
    expect(page.get_by_label("Images")).to_have_value("2")
    expect(page.get_by_role("radio", name="Free sample")).to_be_checked()
