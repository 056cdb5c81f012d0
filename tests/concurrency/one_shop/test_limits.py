"""Two hundred orders at once against a limit of twenty, on a running shop: twenty pass, and a 429 holds nothing."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from accounts.api_keys import create_api_key
from accounts.models import Organization
from accounts.organizations import set_rate_limits
from billing import audit, ledger
from billing.models import KeyUsage, LedgerEntry, Wallet
from generations import lifecycle
from generations.models import Generation
from tests.makers import all_have_ended, an_organization
from tests.processes import frozen
from tests.shop import RunningShop
from tests.waiting import wait_until

POSTERS = 200
LIMIT = 20


@pytest.fixture(autouse=True)
def _nobody_works(shop: RunningShop) -> Iterator[None]:
    """Else orders would end while others are still posted, and make room for more."""
    wait_until(all_have_ended, "earlier tasks to end", timeout_s=60)
    with frozen(shop.worker()):
        yield
        for generation in Generation.objects.filter(finished_at=None):
            lifecycle.cancel(generation)
        connection.close()


@pytest.fixture
def studio(kept_db: None) -> Organization:
    organization = an_organization(credits=10_000)
    ledger.set_open_limit(organization.pk, 1000)
    return organization


def keys_of(organization: Organization, count: int = 1, **limits: Any) -> str:
    return ",".join(create_api_key(organization, livemode=True, **limits)[1] for _ in range(count))


def order_at_once(shop: RunningShop, keys: str) -> tuple[dict[int, int], set[tuple[str, str]], int]:
    """How often each status, why the 429s, and how many a rate of one a minute may have given meanwhile."""
    connection.close()
    began = time.monotonic()
    answers = shop.post_at_once(POSTERS, keys)
    refilled = int((time.monotonic() - began) // 60)
    bodies: list[Any] = [answer["body"] for answer in answers if answer["status"] == 429]
    reasons = {(body["error"]["type"], body["error"]["limit_source"]) for body in bodies}
    return dict(Counter(int(str(answer["status"])) for answer in answers)), reasons, refilled


def assert_nothing_is_held_behind_a_refusal(studio: Organization, passed: int) -> None:
    assert Generation.objects.filter(organization=studio).count() == passed
    assert LedgerEntry.objects.filter(wallet__organization=studio, kind="hold").count() == passed
    wallet = Wallet.objects.get(organization=studio)
    assert (wallet.available, wallet.held, wallet.open_tasks) == (10_000 - 15 * passed, 15 * passed, passed)
    usage = KeyUsage.objects.filter(key__organization=studio)
    assert sum(row.open_tasks for row in usage) == passed
    assert audit.check_snapshot() == []


@pytest.mark.parametrize("source", ["key", "organization"])
def test_exactly_the_burst_passes_at_once(shop: RunningShop, studio: Organization, source: str) -> None:
    slow = {"rate_per_minute": 1, "burst": LIMIT}
    if source == "organization":
        set_rate_limits(studio, **slow)
        keys = keys_of(studio, 8)
    else:
        keys = keys_of(studio, **slow)
    statuses, reasons, refilled = order_at_once(shop, keys)
    assert set(statuses) == {200, 429}
    assert LIMIT <= statuses[200] <= LIMIT + refilled
    assert reasons == {("rate_limited", source)}
    assert_nothing_is_held_behind_a_refusal(studio, statuses[200])


def test_exactly_the_open_task_limit_passes_at_once(shop: RunningShop, studio: Organization) -> None:
    ledger.set_open_limit(studio.pk, LIMIT)
    statuses, reasons, _refilled = order_at_once(shop, keys_of(studio, 4, burst=1000, rate_per_minute=6000))
    assert statuses == {200: LIMIT, 429: POSTERS - LIMIT}
    assert reasons == {("too_many_open_tasks", "organization")}
    assert_nothing_is_held_behind_a_refusal(studio, LIMIT)
