"""A team as people meet it: invited, accepted, given another role, removed; and a second organization."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.conftest import PHONE, WIDE, Shop, Visitor
from tests.browser.looks import accessibility
from tests.faults.shop import environment
from tests.processes import ROOT
from tests.waiting import wait_until

GUEST, PASSWORD = "dora@new.example", "correct horse battery staple"


@pytest.fixture
def guest(browser: Browser, shop: Shop) -> Iterator[Visitor]:
    """Dora, who has an account, belongs to nothing, and whose browser runs no scripts."""
    port = int(shop.address.rpartition(":")[2])
    made = subprocess.run(
        [sys.executable, "manage.py", "createsuperuser", "--noinput", "--email", GUEST],
        cwd=ROOT,
        env={**environment(shop.folder / "data", port), "DJANGO_SUPERUSER_PASSWORD": PASSWORD},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    context = browser.new_context(viewport=WIDE, java_script_enabled=False)
    visitor = Visitor(shop, context.new_page())
    yield visitor
    context.close()
    assert visitor.complaints == []


def link_to(shop: Shop, email: str) -> str:
    """From the newest mail to this address: while it waits, or where a shop without a mail server leaves it."""

    def look() -> str | None:
        files = [file for file in sorted(shop.folder.glob("data/mails/*")) if file.is_file()]
        left = [text for file in files if f"To: {email}" in (text := file.read_text(errors="replace"))]
        links = re.findall(r"/invitations/[-\w]+/", "\n".join([*left, *waiting_mails(shop, email)]))
        return links[-1] if links else None

    found = wait_until(look, "the mail", timeout_s=60)
    assert found is not None
    return found


def waiting_mails(shop: Shop, email: str) -> list[str]:
    with closing(sqlite3.connect(f"file:{shop.folder / 'data' / 'tintype.sqlite3'}?mode=ro", uri=True)) as db:
        rows = db.execute('SELECT body FROM accounts_queuedmail WHERE "to" = ? ORDER BY id', [email])
        return [body for (body,) in rows]


def assert_fine(page: Page) -> None:
    """No accessibility violation and no scrolling sideways, wide and light, narrow and dark."""
    looks: list[tuple[ViewportSize, Literal["light", "dark"]]] = [(PHONE, "dark"), (WIDE, "light")]
    for size, scheme in looks:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], page.url
        results = accessibility(page)
        assert results.violations_count == 0, (page.url, results.generate_report())


def invite(owner: Visitor) -> str:
    """The link that the mail holds."""
    page = owner.page
    owner.go("/team/")
    field = page.get_by_label("Invite by e-mail")
    field.evaluate("field => field.type = 'text'")  # else the browser itself refuses
    field.fill("nobody")
    page.get_by_role("button", name="Invite").click()
    expect(page.locator("#email-problem")).to_be_visible()
    expect(field).to_be_focused()
    assert_fine(page)
    field.fill(GUEST)
    page.get_by_label("Role", exact=True).select_option("Developer")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_role("status")).to_contain_text("An invitation is on its way")
    link = link_to(owner.shop, GUEST)
    expect(page.get_by_role("list", name="Open invitations")).to_contain_text(GUEST)
    assert_fine(page)
    return link


def accept(guest: Visitor, link: str) -> None:
    page = guest.page
    guest.go(link)
    expect(page.get_by_role("heading", name="Join Demo")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("E-mail").fill(GUEST)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("Your role here: Developer.")).to_be_visible()


def found_another_and_come_back(guest: Visitor) -> None:
    page = guest.page
    guest.go("/organizations/new/")
    page.get_by_label("Name of the organization").fill("Dora's own")
    page.get_by_role("button", name="Found it").click()
    expect(page.get_by_text("is founded, and you are its owner.")).to_be_visible()
    page.get_by_label("Organization", exact=True).select_option("Demo")
    page.get_by_role("button", name="Switch to this organization").click()
    guest.go("/team/")
    expect(page.get_by_text(f"{GUEST} (you)")).to_be_visible()
    expect(page.get_by_label("Organization", exact=True)).to_have_value("demo")
    expect(page.get_by_role("link", name="Settings")).to_have_count(0)


def open_member(owner: Visitor) -> None:
    owner.go("/team/")
    owner.page.get_by_role("link", name=f"Change {GUEST}").click()


def test_somebody_is_invited_accepts_gets_another_role_and_is_removed(owner: Visitor, guest: Visitor) -> None:
    page, hers = owner.page, guest.page
    guest.go("/invitations/nothing/")
    expect(hers.get_by_role("heading", name="This link leads to no invitation")).to_be_visible()
    link = invite(owner)
    owner.go(link)
    expect(page.get_by_role("heading", name="This invitation is for another address")).to_be_visible()
    assert_fine(page)
    accept(guest, link)
    found_another_and_come_back(guest)

    open_member(owner)
    assert_fine(page)
    page.get_by_label("Role", exact=True).select_option("Admin")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text(f"The role of {GUEST} is now: Admin")
    hers.reload()
    hers.get_by_role("link", name="Audit log").click()
    expect(hers.get_by_role("row").nth(1)).to_contain_text("Changed a role")

    open_member(owner)
    page.get_by_role("button", name=f"Remove {GUEST}").click()
    expect(page.get_by_role("status")).to_contain_text("has no access any more")
    guest.go("/team/")
    expect(hers.get_by_text("Dora's own").first).to_be_visible()
    expect(hers.get_by_text("owner@demo.example")).to_have_count(0)
    guest.go(link)
    expect(hers.get_by_role("heading", name="This invitation was used already")).to_be_visible()
    assert set(fetched_actions(owner)) == {
        "member_invited",
        "member_joined",
        "role_changed",
        "member_removed",
    }


def fetched_actions(owner: Visitor) -> list[str]:
    """Of the audit log about people, as a file."""
    owner.go("/audit/?group=people")
    with owner.page.expect_download() as download:
        owner.page.get_by_role("link", name="Download as CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("id,time,action,")
    return [line.split(",")[2] for line in lines[1:]]


TEAM_PAGES = ["/team/leave/", "/settings/", "/organizations/new/", "/audit/"]


@pytest.mark.parametrize(
    "path", [*TEAM_PAGES, "/audit/?since=2026-02-01&until=2026-01-01", "/invitations/x/"]
)
def test_page_is_accessible_and_fits(owner: Visitor, path: str) -> None:
    owner.go(path)
    assert_fine(owner.page)
