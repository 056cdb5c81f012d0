"""A key as a person and their program meet it: made, seen once, used, rotated, revoked."""

import json
import urllib.error
import urllib.request

from playwright.sync_api import expect

from tests.browser.conftest import Visitor


def order(address: str, secret: str) -> int:
    body = json.dumps({"prompt": "a fox in the snow", "aspect_ratio": "1:1"}).encode()
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{address}/api/generate", body, headers)
        ) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_key_is_made_seen_once_used_and_revoked(owner_in_whole_chromium: Visitor) -> None:
    owner = owner_in_whole_chromium
    page, address = owner.page, owner.shop.address
    owner.go("/keys/")
    page.get_by_role("link", name="New key").click()
    page.get_by_label("Name").fill("weekly")
    page.get_by_label("Credits a day").fill("15")
    page.get_by_label("Orders at once").fill("9000")
    page.get_by_role("button", name="Make key").click()
    expect(page.get_by_label("Orders at once")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_value("weekly")
    page.get_by_label("Orders at once").fill("5")
    page.get_by_role("button", name="Make key").click()
    expect(page.get_by_role("heading", name="Your new key")).to_be_visible()
    secret = page.locator("#secret").inner_text()
    assert secret in page.locator("#curl").inner_text()
    page.get_by_role("button", name="Copy the key").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert order(address, secret) == 200
    assert order(address, secret) == 402
    page.reload()
    expect(page.get_by_role("heading", name="This key was made already")).to_be_visible()
    assert secret not in page.content()
    page.get_by_role("link", name="To the keys").click()
    card = page.locator(".key-list li", has_text="weekly")
    expect(card).to_contain_text("today 15 of 15")
    expect(card).to_contain_text("just now")
    card.get_by_role("link", name="Change weekly").click()
    page.get_by_label("Credits a day").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    assert order(address, secret) == 200
    card.get_by_role("link", name="Change weekly").click()
    page.get_by_label("The old key works on").select_option("for an hour")
    page.get_by_role("button", name="Make the new key").click()
    new_secret = page.locator("#secret").inner_text()
    assert [order(address, secret), order(address, new_secret)] == [200, 200]
    page.get_by_role("link", name="I have copied it").click()
    for one in (secret, new_secret):
        shown = page.locator("code", has_text=f"{one[:12]}…")
        card = page.locator(".key-list li").filter(has=shown)
        card.get_by_role("link", name="weekly").click()
        page.get_by_text("Stop this key for good").click()
        page.get_by_role("button", name="Revoke now").click()
        expect(page.get_by_role("status")).to_contain_text("is revoked")
        assert order(address, one) == 401


def test_key_is_made_without_scripts(owner_without_scripts: Visitor) -> None:
    page = owner_without_scripts.page
    owner_without_scripts.go("/keys/new/")
    page.get_by_label("Name").fill("plain")
    page.get_by_label("Test", exact=False).check()
    page.get_by_role("button", name="Make key").click()
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("tt_test_")
    assert order(owner_without_scripts.shop.address, secret) == 200
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
