"""Money in, as a customer meets it: a pack at the till, a card that is declined, a voucher, automatic top-up."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor


def available(page: Page) -> int:
    return int(page.locator(".figures dd").first.inner_text().replace(",", ""))


def test_declined_card_charges_nothing_and_the_next_one_buys_the_pack_and_its_receipt(owner: Visitor) -> None:
    page = owner.page
    owner.go("/credits/")
    before = available(page)
    page.get_by_role("button", name="Buy for $5.00").click()
    expect(page.get_by_role("heading", name="Pay 5.00 USD")).to_be_visible()
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_role("alert")).to_contain_text("The card was declined, and nothing was charged.")
    page.get_by_role("link", name="Leave without paying").click()
    expect(page).to_have_url(f"{owner.shop.address}/credits/")
    assert available(page) == before
    expect(page.locator(".purchases tbody tr").first).to_contain_text("Not paid yet")
    page.get_by_role("link", name="go on paying").first.click()
    page.get_by_role("button", name="Pay 5.00 USD").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    expect(page.get_by_text(f"You have {before + 3750:,} now.")).to_be_visible()
    page.get_by_role("link", name="To the receipt").click()
    assert available(page) == before + 3750
    row = page.locator(".purchases tbody tr").first
    expect(row).to_contain_text("Paid")
    with page.expect_download() as download:
        row.get_by_role("link", name="Receipt").click()
    assert re.fullmatch(r"TILL-\d+\.pdf", download.value.suggested_filename)
    assert download.value.path().read_bytes().startswith(b"%PDF-")


def test_voucher_is_made_at_the_desk_and_redeemed_once(owner: Visitor) -> None:
    page = owner.page
    owner.go("/admin/billing/voucher/add/")
    page.get_by_label("Code").fill("FAIR-2026")
    page.get_by_label("Credits").fill("250")
    page.get_by_role("button", name="Save", exact=True).click()
    owner.go("/credits/")
    before = available(page)
    for says in ("The voucher brought 250 credits.", "You have used this voucher already."):
        page.get_by_label("Code").fill("fair-2026")
        page.get_by_role("button", name="Redeem").click()
        expect(page.get_by_text(says)).to_be_visible()
        assert available(page) == before + 250
    expect(page.get_by_label("Code")).to_be_focused()
    expect(page.get_by_label("Code")).to_have_value("fair-2026")


def test_automatic_top_up_is_switched_on_with_a_card_and_off_again(owner: Visitor) -> None:
    page = owner.page
    owner.go("/credits/")
    page.get_by_role("link", name="Set up automatic top-up").click()
    page.get_by_label("When fewer credits are left than").fill("5")
    page.get_by_label("At most in a month").fill("3")
    page.get_by_role("button", name="Save a card and switch on").click()
    expect(page.get_by_text("That is less than one purchase costs.")).to_be_visible()
    page.get_by_label("At most in a month").fill("20")
    page.get_by_role("button", name="Save a card and switch on").click()
    page.get_by_role("button", name="Save the card").click()
    expect(page.get_by_role("status")).to_have_text("Automatic top-up is on.")
    expect(page.get_by_text("On: below 5 credits, Small is bought for $5.00.")).to_be_visible()
    page.get_by_role("link", name="Change automatic top-up").click()
    expect(page.get_by_text("It charges your Visa that ends in 4242.")).to_be_visible()
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing more is charged by itself.")
