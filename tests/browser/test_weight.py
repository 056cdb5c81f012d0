"""What a first visit transfers, counted as `make bench` counts it."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from benchmarks import screens
from tests.browser.conftest import Shop

HEAVIEST = ("/", "/docs/reference/", "/playground/", "/gallery/", "/usage/", "/credits/")


@pytest.mark.parametrize("path", HEAVIEST)
def test_page_is_light_and_asks_nobody_else(
    browser: Browser, shop: Shop, signed_in_state: Path, path: str
) -> None:
    state = json.loads(signed_in_state.read_text()) if path in screens.MEMBERS else None
    found = screens.visit(browser, shop.address + path, state)
    assert 3 <= found.requests <= 40
    assert 3_000 < found.byte_count < screens.LIMIT_KB * 1000
    assert found.elsewhere == 0
    assert 0 < found.first_paint_ms <= found.largest_paint_ms
    assert found.shift <= screens.MOST_SHIFT


def test_page_that_leads_elsewhere_is_not_measured(browser: Browser, shop: Shop) -> None:
    for path in ("/home/", "/nothing/"):
        with pytest.raises(LookupError):
            screens.visit(browser, shop.address + path)
