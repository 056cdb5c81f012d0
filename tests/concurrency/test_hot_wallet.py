"""Thirty-two clients at once on one wallet, with as many database connections as they can use."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from accounts.api_keys import create_api_key
from billing import audit
from generations.models import Generation
from tests import scale
from tests.makers import PRICE_CREDITS, all_have_ended, an_organization
from tests.shop import RunningShop, start
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("postgresql")

CLIENTS = 32
ROUNDS = scale.count(3, 40)


@pytest.fixture
def shop(committed_db: None, tmp_path: Path) -> Iterator[RunningShop]:
    changes = {"SANDBOX_SECONDS": "0", "DATABASE_POOL": "16", "REDIS_URL": os.environ["TEST_REDIS_URL"]}
    changes |= {"RATE_LIMIT_ORGANIZATION_PER_MINUTE": "60000", "RATE_LIMIT_ORGANIZATION_BURST": "10000"}
    with start(tmp_path, WEB_PROCESSES="2", MAX_OPEN_TASKS="1000", **changes) as shop:
        yield shop


def deadlocks() -> int:
    if connection.vendor != "postgresql":
        return 0  # one writer at a time
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        (number,) = cursor.fetchone()
    connection.close()
    return int(number)


def test_hot_wallet_knows_no_deadlock_and_no_error_but_the_promised_ones(shop: RunningShop) -> None:
    before = deadlocks()
    affordable = CLIENTS * ROUNDS // 2
    studio = an_organization(affordable * PRICE_CREDITS)
    key = create_api_key(studio, livemode=True, rate_per_minute=60_000, burst=10_000)[1]
    statuses: Counter[object] = Counter()
    for _ in range(ROUNDS):  # orders are being settled on the same wallet meanwhile
        statuses += Counter(answer["status"] for answer in shop.post_at_once(CLIENTS, key))
    assert set(statuses) <= {200, 402, 429, 503}, statuses
    wait_until(all_have_ended, "all tasks to end", timeout_s=120)
    assert Generation.objects.filter(status="succeeded").count() == statuses[200]
    assert statuses[200] <= affordable
    assert audit.check_snapshot() == []
    assert deadlocks() == before
    assert "Traceback" not in shop.processes.err
