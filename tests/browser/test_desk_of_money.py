"""An operator and the money: a purchase is found, part of it given back; a pack is entered badly and well."""

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.test_operators_desk import assert_accessible


def test_purchase_is_found_and_part_of_it_given_back(owner: Visitor) -> None:
    page = owner.page
    owner.go("/credits/")
    page.get_by_role("button", name="Buy for $20.00").click()
    page.get_by_role("button", name="Pay 20.00 USD").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    owner.go("/admin/billing/payment/")
    assert_accessible(page, "the list of purchases")
    page.locator("#result_list a", has_text="pay_").first.click()
    assert_accessible(page, "a purchase")
    page.get_by_role("button", name="Look at Stripe again").click()
    expect(page.get_by_text("1 payment agrees with Stripe now.")).to_be_visible()
    page.get_by_role("link", name="Give money back").click()
    page.get_by_label("Amount").fill("20.01")
    page.get_by_label("Reason").fill("A fair wish")
    page.get_by_role("button", name="Give it back").click()
    expect(page.get_by_text("At most $20.00 can be given back.", exact=True)).to_be_visible()
    assert_accessible(page, "giving money back")
    page.get_by_label("Amount").fill("5")
    page.get_by_role("button", name="Give it back").click()
    expect(page.get_by_text("$5.00 was given back")).to_be_visible()
    owner.go("/admin/billing/stripeevent/")
    assert_accessible(page, "what Stripe told us")
    owner.go("/credits/")
    expect(page.locator(".purchases tbody tr").first).to_contain_text("$5.00 given back")
    assert owner.complaints == []


def test_pack_is_refused_mended_and_taken_off_the_shelf(owner: Visitor) -> None:
    page = owner.page
    owner.go("/admin/billing/creditpack/add/")
    page.get_by_label("Name").fill("Fair")
    page.get_by_label("Credits").fill("1000")
    page.get_by_label("Price").fill("10")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Stripe charges no less than $0.50.")).to_be_visible()
    assert_accessible(page, "the form of a pack")
    page.get_by_label("Price").fill("150")
    page.get_by_role("button", name="Save", exact=True).click()
    assert_accessible(page, "the list of packs")
    owner.go("/credits/")
    expect(page.get_by_role("button", name="Buy for $1.50")).to_be_visible()
    owner.go("/admin/billing/creditpack/")
    page.get_by_role("link", name="Fair").first.click()
    page.get_by_label("On sale").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    owner.go("/credits/")
    expect(page.get_by_role("button", name="Buy for $1.50")).to_have_count(0)
    assert owner.complaints == []
