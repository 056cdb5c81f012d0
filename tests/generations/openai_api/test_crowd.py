"""As many wait as may, and nobody else notices."""

import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from email.message import Message
from typing import Any

from tests import scale
from tests.generations.openai_api.customers import Customer
from tests.processes import frozen
from tests.shop import RunningShop
from tests.waiting import wait_until

MAX_WAITING = 48
Answer = tuple[int, Message, Any]


def crowd(customer: Customer, pool: ThreadPoolExecutor, count: int) -> list["Future[Answer]"]:
    """So many who wait for one order: its first try, and others that join it."""
    asked = [pool.submit(customer.post)]
    wait_until(customer.orders, "the order to be accepted")
    return asked + [pool.submit(customer.post, tries=1) for _ in range(count - 1)]


def seconds_to_order(shop: RunningShop, key: str) -> float:
    began = time.monotonic()
    shop.order(key)
    return time.monotonic() - began


def test_as_many_wait_as_may_and_nobody_else_notices(shop: RunningShop) -> None:
    # With two more than may: they are turned away at once, to come again.
    count = MAX_WAITING + 2
    customer = Customer.new(shop, rate_per_minute=6000, burst=1000)
    other = Customer.new(shop, credits=10_000, rate_per_minute=6000, burst=1000)
    with ThreadPoolExecutor(count) as pool, frozen(shop.worker()):
        asked = crowd(customer, pool, count)
        wait_until(lambda: sum(future.done() for future in asked) == 2, "two to be turned away")
        times = [seconds_to_order(shop, other.key) for _ in range(scale.count(10, 200))]
        assert shop.ask("GET", "/healthz")[0] == 200
        assert sum(not future.done() for future in asked) == MAX_WAITING
        answers = [future.result() for future in asked]
    scale.record(f"POST /api/generate beside {count} requests that wait, slowest", max(times), "s", limit=0.5)

    assert Counter(status for status, _, _ in answers) == {504: MAX_WAITING, 429: 2}
    [order] = customer.orders()
    for status, headers, body in answers:
        if status == 429:
            assert headers["Retry-After"] in ("1", "2")
            assert headers["x-should-retry"] is None
            assert body["error"]["code"] == "rate_limit_exceeded"
        else:
            assert headers["x-should-retry"] == "false"
            assert body["error"]["task_id"] == order.task_id
            assert order.task_id in body["error"]["message"]
    # The order went on, and another try gets what it made.
    wait_until(lambda: customer.captures() == 1, "the image to be made")
    status, _, body = customer.post(tries=1)
    assert (status, len(body["data"])) == (200, 1)
    assert len(customer.orders()) == 1
