"""An operator is told that a task failed: finds it by its id, sees why, and looks at Today."""

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.test_operators_desk import assert_accessible


def test_failed_task_is_found_by_its_id_and_says_why(owner: Visitor) -> None:
    page = owner.page
    owner.order("sandbox:failed a hill")
    expect(page.get_by_text("It cost nothing.")).to_be_visible()
    task = page.url.rstrip("/").rpartition("/")[2]
    assert task.startswith("task_")
    owner.go("/admin/")
    expect(page.get_by_role("heading", name="Today, UTC")).to_be_visible()
    expect(page.get_by_text("Failure rate").first).to_be_visible()
    assert_accessible(page, "Today")
    page.get_by_role("searchbox", name="Find").fill(task)
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("No upstream could make it: their words are below.")).to_be_visible()
    expect(page.get_by_role("heading", name="What it did to the wallet")).to_be_visible()
    expect(page.get_by_role("cell", name="Returned release", exact=True)).to_be_visible()
    assert_accessible(page, "a failed order")
    page.get_by_role("searchbox", name="Find").fill("owner@demo.example")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("link", name="Give or take rights")).to_be_visible()
    assert_accessible(page, "a person")
    for path, words in {
        "/admin/books/": "Every wallet is the sum of its entries",
        "/admin/find/": "The field on top of each page finds:",
        "/admin/health/": "What this process runs with",
        "/admin/generations/generation/": "Older",
        "/admin/generations/modelprice/": "valid",
    }.items():
        owner.go(path)
        expect(page.get_by_text(words).first).to_be_visible()
        assert_accessible(page, path)
    assert owner.complaints == []
