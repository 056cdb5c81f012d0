"""An app with codes, recovery codes, and passkeys of Chromium's virtual authenticator."""

import time
from collections.abc import Iterator
from typing import Literal

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PHONE, WIDE, Shop, Visitor
from tests.browser.looks import accessibility
from tests.browser.mail import open_link
from tests.browser.test_signing_up import PASSWORD, open_account

KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def code_for(secret: str, *, steps_ahead: int = 0) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps_ahead)))


def newcomer(visitor: Visitor, email: str) -> Page:
    """Somebody of their own, so that nothing of the owner's is changed for other tests."""
    visitor.go("/sign-up/")
    open_account(visitor.page, email)
    open_link(visitor.page, visitor.shop.address, email, "Confirm your address")
    visitor.page.get_by_role("button", name="Yes, confirm it").click()
    expect(visitor.page).to_have_url(f"{visitor.shop.address}/home/")
    return visitor.page


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def check(page: Page) -> None:
    for size in (WIDE, PHONE):
        page.set_viewport_size(size)
        results = accessibility(page)
        assert results.violations_count == 0, results.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.set_viewport_size(WIDE)


def test_app_is_set_up_and_one_signs_in_with_it_and_with_a_recovery_code(stranger: Visitor) -> None:
    email = "careful@harbour.example"
    page = newcomer(stranger, email)
    stranger.go("/account/second-factor/")
    page.get_by_role("link", name="Set up an app").click()
    secret = page.locator("#secret").inner_text()
    check(page)
    page.get_by_label("Code").fill(code_for(secret))
    page.get_by_role("button", name="Switch it on").click()
    codes = page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    check(page)
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, email)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    check(page)
    page.get_by_label("Code").fill("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This code is not right")).to_be_visible()
    page.get_by_label("Code").fill(code_for(secret))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, email)
    page.get_by_label("Code").fill(codes[0])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    stranger.go("/account/second-factor/")
    expect(page.get_by_text("9 are left")).to_be_visible()


def test_passkey_is_added_and_signs_in_alone_and_after_a_password(stranger: Visitor) -> None:
    email = "quick@harbour.example"
    page = newcomer(stranger, email)
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    added = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
    authenticator = {"authenticatorId": added["authenticatorId"]}

    stranger.go("/account/passkeys/new/")
    check(page)
    page.get_by_label("Name").fill("Dora's <b>thumb</b>")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert len(devtools.send("WebAuthn.getCredentials", authenticator)["credentials"]) == 1
    stranger.go("/account/second-factor/")
    expect(page.get_by_text("Dora's <b>thumb</b>").first).to_be_visible()
    check(page)
    page.get_by_role("button", name="Sign out").click()

    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, email)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()

    devtools.send("WebAuthn.setUserVerified", {**authenticator, "isUserVerified": False})
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("No passkey was used.")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_enabled()


OWN = ("", "address/", "password/", "sessions/", "second-factor/", "second-factor/app/", "passkeys/new/")
OWN_PAGES = [f"/account/{name}" for name in OWN]


@pytest.fixture(params=["light", "dark"])
def visitor(
    request: pytest.FixtureRequest, browser: Browser, shop: Shop, signed_in_state: object
) -> Iterator[Visitor]:
    scheme: Literal["light", "dark"] = request.param
    context = browser.new_context(
        viewport=WIDE, color_scheme=scheme, reduced_motion="reduce", storage_state=str(signed_in_state)
    )
    yield Visitor(shop, context.new_page())
    context.close()


def test_pages_of_ones_own_account_are_accessible_quiet_and_fit(visitor: Visitor) -> None:
    for page in OWN_PAGES:
        visitor.go(page)
        if "/again/" in visitor.page.url:  # it was a while ago
            check(visitor.page)
            visitor.page.get_by_label("Password").fill(visitor.shop.password)
            visitor.page.keyboard.press("Enter")
            expect(visitor.page).to_have_url(f"{visitor.shop.address}{page}")
        check(visitor.page)
    assert visitor.complaints == []
