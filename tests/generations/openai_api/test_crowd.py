"""As many wait as may, and nobody else notices."""

import statistics
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from email.message import Message
from typing import Any

from tests import scale
from tests.generations.openai_api.customers import Customer
from tests.makers import all_have_ended
from tests.processes import frozen
from tests.shop import RunningShop
from tests.waiting import wait_until

MAX_WAITING, TURNED_AWAY = 48, 2
Answer = tuple[int, Message, Any]


def crowd(customer: Customer, pool: ThreadPoolExecutor, count: int) -> list["Future[Answer]"]:
    """So many who wait for one order: its first try, and others that join it."""
    asked = [pool.submit(customer.post)]
    wait_until(customer.orders, "the order to be accepted")
    return asked + [pool.submit(customer.post, tries=1) for _ in range(count - 1)]


def seconds_to_order(customer: Customer, orders: int) -> list[float]:
    taken = []
    for _ in range(orders):
        began = time.monotonic()
        customer.shop.order(customer.key)
        taken.append(time.monotonic() - began)
    return taken


def p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[-1]


def assert_told(customer: Customer, answers: list[Answer]) -> None:
    """Those who waited which task goes on, the others to come again."""
    assert Counter(status for status, _, _ in answers) == {504: MAX_WAITING, 429: TURNED_AWAY}
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


def test_as_many_wait_as_may_and_nobody_else_notices(shop: RunningShop) -> None:
    # With two more than may: they are turned away at once, to come again.
    count, orders = MAX_WAITING + TURNED_AWAY, scale.count(5, 100)
    idle, beside = list[float](), list[float]()
    for _ in range(scale.count(1, 3)):
        customer = Customer.new(shop, rate_per_minute=6000, burst=1000)
        other = Customer.new(shop, credits=10_000, rate_per_minute=6000, burst=1000)
        with ThreadPoolExecutor(count) as pool, frozen(shop.worker()):
            idle += seconds_to_order(other, orders)
            asked = crowd(customer, pool, count)
            wait_until(lambda: sum(one.done() for one in asked) == TURNED_AWAY, "two to be turned away")  # noqa: B023
            beside += seconds_to_order(other, orders)
            assert shop.ask("GET", "/healthz")[0] == 200
            assert sum(not future.done() for future in asked) == MAX_WAITING
            answers = [future.result() for future in asked]
        assert_told(customer, answers)
        # The order went on, and another try gets what it made.
        wait_until(lambda: customer.captures() == 1, "the image to be made", timeout_s=60)  # noqa: B023
        status, _, body = customer.post(tries=1)
        assert (status, len(body["data"])) == (200, 1)
        assert len(customer.orders()) == 1
        wait_until(all_have_ended, "the others' to be made", timeout_s=120)
    name = f"POST /api/generate beside {count} requests that wait, p99"
    scale.record(name, p99(beside), "s", limit=0.5)
    scale.record(f"{name}, of that without them", p99(beside) / p99(idle), "", limit=2)
