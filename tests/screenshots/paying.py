"""Purchases at the till of a demo, so that there is something to see there."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode, urljoin
from urllib.request import urlopen

from django.utils.translation import override

from billing import checkout, packs, stripe_gateway

WAIT_S = 30


def pages(access: Any, languages: Sequence[str]) -> tuple[dict[str, dict[str, str]], str]:
    """By language and name: addresses at the till, whose pages of a checkout are in the language that it was begun in.
    Beside them the page of the shop that somebody comes back to.
    """
    first, second = packs.on_sale(access.organization.shop_id)[:2]
    found: dict[str, dict[str, str]] = {}
    for language in languages:
        with override(language):
            paid, waiting = checkout.start(access, first), checkout.start(access, second)
        _open(paid.url, action="pay")
        desk = urljoin(paid.url, "/")
        receipts = re.findall(r'href="([^"]+/receipts/[^"]+)"', _open(desk))
        found[language] = {
            "pay": waiting.url,
            "paid": paid.url,
            "desk": desk,
            "receipt": receipts[0],
            "invoice": stripe_gateway.selling.receipt_url(paid.payment).removesuffix("/pdf"),
            "cards": checkout.portal_url(access),
            "problem": urljoin(paid.url, "/pay/cs_test_none"),
        }
    return found, f"/credits/return/?session_id={paid.payment.session_id}"


def _open(url: str, **fields: str) -> str:
    """The page; with fields it is sent as a form."""
    sent = urlencode(fields).encode() if fields else None
    with urlopen(url, sent, WAIT_S) as answer:
        text: str = answer.read().decode()
    return text
