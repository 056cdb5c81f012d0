"""From nothing to the playground: sign up, confirm by the mail, and forget the password."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.mail import open_link

EMAIL, PASSWORD = "dora@harbour.example", "seven quiet harbours at dawn"


def open_account(page: Page, email: str = EMAIL, organization: str = "Harbour ⚓ Prints") -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Organization").fill(organization)
    page.get_by_role("button", name="Open the account").click()


def test_newcomer_signs_up_confirms_by_mail_and_is_in_the_playground(stranger: Visitor) -> None:
    page, address = stranger.page, stranger.shop.address
    stranger.go("/")
    page.get_by_role("link", name="Open an account and try it").click()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Open the account").click()
    expect(page.get_by_text("too short")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value(EMAIL)
    open_account(page)
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    page.get_by_role("link", name="see the mails here").click()
    open_link(page, address, EMAIL, "Confirm your address")
    page.get_by_role("button", name="Yes, confirm it").click()
    expect(page).to_have_url(f"{address}/home/")
    expect(page.get_by_text("Harbour ⚓ Prints")).to_be_visible()
    page.get_by_role("link", name="Your account").click()
    expect(page.get_by_text(EMAIL).last).to_be_visible()


def test_forgotten_password_is_replaced_by_mail(stranger: Visitor) -> None:
    page, address = stranger.page, stranger.shop.address
    email = "forgetful@harbour.example"
    stranger.go("/sign-up/")
    open_account(page, email)
    open_link(page, address, email, "Confirm your address")
    page.get_by_role("button", name="Yes, confirm it").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Forgotten your password").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Send the link").click()
    open_link(page, address, email, "A new password")
    page.get_by_label("New password").fill("another quiet harbour at dusk")
    page.get_by_role("button", name="Save the password").click()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill("another quiet harbour at dusk")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{address}/home/")
