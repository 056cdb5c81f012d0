"""Clients that take their time, and rows that others hold: nobody else waits for them, and nobody waits for long."""

import http.client
import json
import select
import time
from contextlib import ExitStack, closing

from django.db import connection, transaction

from accounts.api_keys import create_api_key
from billing import audit
from billing.models import LedgerEntry, Wallet
from generations.models import Generation
from tests import scale
from tests.makers import an_organization, wallet_of
from tests.shop import RunningShop

HALF_SENT = 100
ORDER = {"prompt": "a lighthouse", "size": "256*256"}


def half_sent(shop: RunningShop, key: str) -> http.client.HTTPConnection:
    """An order whose second half does not come."""
    client, body = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=30), json.dumps(ORDER).encode()
    client.putrequest("POST", "/api/generate")
    for name, value in {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}.items():
        client.putheader(name, value)
    client.putheader("Content-Length", str(len(body)))
    client.endheaders(body[: len(body) // 2])
    return client


def test_a_hundred_half_sent_orders_hold_up_nobody_and_hear_408(shop: RunningShop) -> None:
    patient = {"rate_per_minute": 6000, "burst": 1000}
    key = create_api_key(an_organization(credits=1000), livemode=True, **patient)[1]  # type: ignore[arg-type]  # whole numbers
    connection.close()
    with ExitStack() as stack:
        stalled = [stack.enter_context(closing(half_sent(shop, key))) for _ in range(HALF_SENT)]
        began = time.monotonic()
        assert shop.ask("GET", "/healthz")[0] == 200
        shop.order(key)
        seconds = time.monotonic() - began
        answered, _, _ = select.select([client.sock for client in stalled], [], [], 0)
        assert answered == [], "They were not half sent any more"
        for client in stalled if scale.PROOF else ():  # ten seconds later
            answer = client.getresponse()
            assert (answer.status, json.loads(answer.read())["error"]["type"]) == (408, "body_timeout")
    scale.record(f"/healthz and an order beside {HALF_SENT} half-sent ones", round(seconds, 3), "s", limit=1)


if connection.vendor == "postgresql":  # SQLite has one lock for all rows

    def test_an_order_that_waits_for_a_row_is_refused_after_two_seconds_and_leaves_nothing(
        shop: RunningShop,
    ) -> None:
        studio = an_organization(credits=1000)
        key = create_api_key(studio, livemode=True)[1]
        with transaction.atomic():
            Wallet.objects.select_for_update().get(organization=studio)
            began = time.monotonic()
            status, headers, body = shop.ask("POST", "/api/generate", key, ORDER)
            seconds = time.monotonic() - began
        assert (status, body["error"]["type"]) == (503, "unavailable")
        assert int(headers["Retry-After"]) == body["error"]["retry_after"] > 0
        assert seconds > 1.5, "It did not wait for the row"
        assert not Generation.objects.filter(organization=studio).exists()
        assert not LedgerEntry.objects.filter(wallet__organization=studio, kind="hold").exists()
        assert wallet_of(studio)[:2] == (1000, 0)
        assert audit.check_snapshot() == []
        connection.close()
        scale.record("An order whose row is locked: 503 after", round(seconds, 2), "s", limit=3)
