"""What holds of a page in every look: no accessibility violation, no scrolling sideways."""

from collections.abc import Sequence

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

from tests.browser.conftest import LOOKS, Scheme


def assert_fits(page: Page, looks: Sequence[tuple[Scheme, ViewportSize]] = LOOKS) -> None:
    for scheme, size in looks:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
