"""What holds of a page in every look: no accessibility violation, no scrolling sideways."""

from collections.abc import Sequence

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page, ViewportSize

from tests.browser.conftest import LOOKS, Scheme


def accessibility(page: Page) -> AxeResults:
    """What axe finds wrong, as its own Axe().run() does; but a document takes the script in once, and of what is fine
    nothing is told.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("axe.run({resultTypes: ['violations']}).then((results) => results.violations)")
    return AxeResults({"violations": found})


def assert_fits(page: Page, looks: Sequence[tuple[Scheme, ViewportSize]] = LOOKS) -> None:
    for scheme, size in looks:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        results = accessibility(page)
        assert results.violations_count == 0, results.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
