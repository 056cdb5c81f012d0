"""Valkey emptied, frozen, restarted: it holds rings and limits, and no order depends on it."""

import time
from collections.abc import Iterator

import pytest
import redis

from tests import scale
from tests.faults.books import (
    CREDITS,
    a_customer,
    assert_books_are_right,
    give_time,
    open_orders,
    wait_until_all_have_ended,
)
from tests.makers import PRICE_CREDITS, wallet_of
from tests.processes import frozen
from tests.servers import Servers
from tests.shop import RunningShop
from tests.waiting import wait_until

ORDERS = 20


@pytest.fixture
def valkey(own_servers: Servers) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(own_servers.valkey.url) as client:
        yield client


def rings(valkey: "redis.Redis") -> int:
    return int(str(valkey.llen("default")))


def order_while_no_worker_listens(shop: RunningShop, valkey: "redis.Redis", key: str) -> None:
    """So that the rings lie in the queue."""
    before = rings(valkey)
    for _ in range(ORDERS):
        shop.order(key)
    wait_until(lambda: rings(valkey) - before > ORDERS / 2, "the rings to lie in the queue", timeout_s=30)


def seconds_of_an_order(shop: RunningShop, key: str) -> float:
    began = time.monotonic()
    shop.order(key)
    return time.monotonic() - began


def test_orders_in_a_queue_that_is_emptied_are_made(shop: RunningShop, valkey: "redis.Redis") -> None:
    organization, key = a_customer()
    with frozen(shop.worker()):
        order_while_no_worker_listens(shop, valkey, key)
        give_time(organization)
        valkey.flushall()
    wait_until_all_have_ended(timeout_s=180)
    shop.order(key)
    wait_until_all_have_ended()
    assert wallet_of(organization)[:3] == (CREDITS - (ORDERS + 1) * PRICE_CREDITS, 0, 0)
    assert_books_are_right()


def test_frozen_valkey_delays_one_order_a_little_and_loses_none(
    shop: RunningShop, own_servers: Servers
) -> None:
    organization, key = a_customer()
    shop.order(key)  # what a process does only once is done
    wait_until_all_have_ended()
    own_servers.valkey.freeze()
    try:
        scale.record("the first order while Valkey is frozen", seconds_of_an_order(shop, key), "s", 2.5)
        slowest_s = max(seconds_of_an_order(shop, key) for _ in range(ORDERS))
        scale.record(f"the slowest of the next {ORDERS}", slowest_s, "s", 0.5)
        give_time(organization)
        assert open_orders() > 0
        time.sleep(scale.count(0, 5))  # longer than any socket's patience
    finally:
        own_servers.valkey.thaw()
    thawed_at = time.monotonic()
    wait_until_all_have_ended()
    scale.record("thawed Valkey to the end of all that waited", time.monotonic() - thawed_at, "s", 30)
    assert wallet_of(organization)[:3] == (CREDITS - (ORDERS + 2) * PRICE_CREDITS, 0, 0)
    assert_books_are_right()


def test_orders_before_and_after_a_restart_of_valkey_are_made(
    shop: RunningShop, own_servers: Servers, valkey: "redis.Redis"
) -> None:
    organization, key = a_customer()
    with frozen(shop.worker()):
        order_while_no_worker_listens(shop, valkey, key)
        own_servers.valkey.halt()
        shop.order(key)
        own_servers.valkey.start_again()
    shop.order(key)
    give_time(organization)
    wait_until_all_have_ended(timeout_s=180)
    assert wallet_of(organization)[:3] == (CREDITS - (ORDERS + 2) * PRICE_CREDITS, 0, 0)
    assert_books_are_right()
