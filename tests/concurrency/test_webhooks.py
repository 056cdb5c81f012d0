"""Many webhooks at once against a running shop, whose Stripe cannot be reached."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import stripe

from billing.models import LedgerEntry, StripeEvent
from tests import scale
from tests.billing.stripe.test_inbox import EVENT
from tests.processes import free_port
from tests.shop import RunningShop, start
from tests.till import SECRET_KEY, WEBHOOK_SECRET
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("sqlite")

AT_ONCE = 50


@pytest.fixture
def paid_shop(committed_db: None, tmp_path: Path) -> Iterator[RunningShop]:
    nobody = f"http://127.0.0.1:{free_port()}"
    stripe_settings = {
        "STRIPE_SECRET_KEY": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_API_BASE": nobody,
    }
    with start(tmp_path, DEMO="1", **stripe_settings) as running:
        yield running


def test_fifty_webhooks_at_once_are_stored_without_asking_stripe(paid_shop: RunningShop) -> None:
    slowest_s = 0.0
    for round_ in range(scale.count(1, 5)):

        def post(number: int, round_: int = round_) -> tuple[int, float]:
            body = json.dumps(EVENT | {"id": f"evt_{round_}_{number}"})
            header = stripe.WebhookSignature.generate_signature_header(body, WEBHOOK_SECRET)
            began = time.monotonic()
            status, _headers, _body = paid_shop.ask(
                "POST", "/webhooks/stripe", body=json.loads(body), Stripe_Signature=header
            )
            return status, time.monotonic() - began

        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(post, range(AT_ONCE)))
        assert {status for status, _ in answers} == {200}
        slowest_s = max(slowest_s, *(seconds for _, seconds in answers))
    assert StripeEvent.objects.count() == AT_ONCE * scale.count(1, 5)
    # The task looks at them, and these are none of ours.
    wait_until(
        lambda: not StripeEvent.objects.filter(processed_at=None).exists(),
        "the inbox to be empty",
        timeout_s=60,
    )
    assert not LedgerEntry.objects.filter(kind="top_up").exists()
    scale.record("slowest of 50 webhooks at once", slowest_s, "s", limit=1.0)
