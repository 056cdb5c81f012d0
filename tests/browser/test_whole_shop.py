"""Every page that needs nothing in its address, found by introspection: none is forgotten by the lists beside it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests import scale
from tests.browser.conftest import LOOKS, Visitor
from tests.browser.looks import assert_fits
from tests.browser.test_every_page import MEMBER_PAGES, PAGES
from tests.browser.test_second_factor import OWN_PAGES
from tests.browser.test_team import TEAM_PAGES
from tests.test_every_page import pages

SEEN_BY_OTHERS = {*PAGES, *MEMBER_PAGES, *OWN_PAGES, *TEAM_PAGES}


def opened(page: Page, address: str) -> Iterator[str]:
    """One after the other, those of them that are pages: not files, and not addresses that lead elsewhere."""
    for path in pages():
        if path in SEEN_BY_OTHERS or path.startswith(("/docs/", "/sign-out")):
            continue
        answer = page.request.get(address + path, max_redirects=0)
        if answer.status == 200 and answer.headers["content-type"].startswith("text/html"):
            page.goto(address + path)
            yield path


@pytest.mark.parametrize("who", ["owner", "stranger"])
def test_every_other_page_is_accessible_quiet_and_fits(who: str, request: pytest.FixtureRequest) -> None:
    """`who` also listens to the console. Every day each page in one look, by turns; in the proof in all of them."""
    visitor: Visitor = request.getfixturevalue(who)
    page, address, elsewhere, seen = visitor.page, visitor.shop.address, list[str](), list[str]()
    page.on("request", lambda asked: elsewhere.append(asked.url))
    for number, path in enumerate(opened(page, address)):
        seen.append(path)
        assert_fits(page, LOOKS if scale.PROOF else [LOOKS[number % len(LOOKS)]])
        assert page.title().strip(" ·"), path
        assert page.locator("h1").count() == 1, path
    assert ("/webhooks/deliveries/" if who == "owner" else "/account/forgotten/done/") in seen
    assert [url for url in elsewhere if not url.startswith((f"{address}/", "data:"))] == []
