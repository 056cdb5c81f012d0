"""The mail of a demo, as people read it there."""

from playwright.sync_api import Page

from tests.waiting import wait_until


def open_link(page: Page, address: str, to: str, subject: str) -> None:
    """Waits for the mail to come, and follows its first link in this page."""

    def has_come() -> bool:
        page.goto(f"{address}/mails/")
        return mail.count() > 0

    mail = page.get_by_role("listitem").filter(has_text=to).filter(has_text=subject)
    try:
        wait_until(has_come, f"the mail {subject!r}", timeout_s=60, pause_s=0.5)
    except TimeoutError as error:
        error.add_note(f"Instead: {page.locator('main').inner_text()}")
        raise
    mail.first.get_by_role("link").click()
    page.locator('.letter a:not([href^="mailto:"])').first.click()
