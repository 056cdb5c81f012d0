"""Hundreds of orders at an upstream that makes one wait, and upstreams that die and come back under fire."""

import random
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connection

from billing.models import Wallet
from generations.models import Attempt, Generation, UpstreamState
from tests import scale
from tests.faults.books import a_customer, assert_books_are_right, open_orders
from tests.makers import an_upstream
from tests.scale import count
from tests.shop import RunningShop, start
from tests.threads import together
from tests.upstreams.running import Up, running
from tests.waiting import wait_until

SETTINGS = {
    "SWEEP_S": "1",
    "MAX_OPEN_TASKS": "10000",
    "RATE_LIMIT_READ_PER_MINUTE": "100000",
    "RATE_LIMIT_READ_BURST": "10000",
    "RATE_LIMIT_ORGANIZATION_PER_MINUTE": "1000000",
    "RATE_LIMIT_ORGANIZATION_BURST": "100000",
}
MIB = 2**20


def customer() -> str:
    _organization, key = a_customer()
    Wallet.objects.update(open_limit=10_000)
    connection.close()
    return key


def all_have_ended() -> bool:
    none_is_open = not open_orders()
    connection.close()
    return none_is_open


def account(up: Up) -> dict[str, object]:
    return {"base_url": up.base_url, "credential": up.credential, "model_names": {"z-image-turbo": up.model}}


@pytest.mark.everyday_on("sqlite")
def test_hundreds_at_a_polled_upstream_need_neither_threads_nor_memory(
    committed_db: None, tmp_path: Path
) -> None:
    """One worker process; each image needs 5 seconds."""
    orders, seconds = count(60, 500), count(1, 5)
    with running("portal") as up, start(tmp_path, **SETTINGS) as shop:
        an_upstream("portal", **account(up), concurrency=orders, polls_per_second=200)
        key, worker = customer(), shop.worker()
        wait_until(lambda: shop.ask("GET", "/healthz")[0] == 200, "the shop")
        _order(shop, key, 1, 0)  # so that all of the worker is loaded
        wait_until(all_have_ended, "the first", timeout_s=30)
        memory, peak = worker.memory_info().rss, 0
        began_at = time.monotonic()
        _order(shop, key, orders, seconds)
        threads = worker.num_threads()
        while not all_have_ended():
            peak = max(peak, worker.memory_info().rss)
            assert time.monotonic() - began_at < 120
            time.sleep(0.1)
        took_s = time.monotonic() - began_at
        assert worker.is_running()
    assert set(Generation.objects.values_list("status", flat=True)) == {"succeeded"}
    assert threads < 40
    assert_books_are_right()
    scale.record(f"{orders} orders at an upstream that needs {seconds} s", took_s, "s", limit=30)
    scale.record("memory that one worker took for them", max(0, peak - memory) / MIB, "MiB", limit=100)


def _order(shop: RunningShop, key: str, orders: int, seconds: int) -> None:
    def some(index: int) -> None:
        for _ in range(len(range(index, orders, 8))):
            shop.order(key, f"a lighthouse up:late={seconds}")

    assert [made for made in together(8, some, timeout_s=120) if made is not None] == []


@pytest.mark.everyday_on("sqlite")
def test_synchronous_upstreams_get_no_more_at_once_than_they_take(committed_db: None, tmp_path: Path) -> None:
    places, orders = 20, count(60, 200)
    with running("openai_compatible") as up, start(tmp_path, **SETTINGS, WORKER_CONCURRENCY="2") as shop:
        upstream = an_upstream("openai_compatible", **account(up), concurrency=places)
        key = customer()
        _order(shop, key, orders, 1)
        most = 0
        while not all_have_ended():
            most = max(most, UpstreamState.objects.get(pk=upstream.pk).in_flight)
            connection.close()
            time.sleep(0.02)
    assert most == places, "All of them, though the worker has two threads; and no more"
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {"ok"}
    assert_books_are_right()


@pytest.mark.everyday_on("postgresql")
def test_upstreams_that_die_and_come_back_are_nothing_that_a_customer_sees(
    committed_db: None, tmp_path: Path
) -> None:
    """Three upstreams; two of them are killed, refuse and hang in turn, as chance has it."""
    fire_s = count(6, 60)
    chance = random.Random(20261125)
    with ExitStack() as stack:
        ups = [stack.enter_context(running(name)) for name in ("portal", "wavespeed", "replicate")]
        limits = {
            "CALL_TOTAL_S": "3",
            "LEASE_S": "4",
            "DEADLINE_S": "25",
        }  # what nobody can ask about waits for it
        shop = stack.enter_context(start(tmp_path, **SETTINGS, **limits))
        for up in ups:
            an_upstream(up.name, **account(up), webhook_secret=up.webhook_secret, concurrency=50)
        key, over = customer(), threading.Event()

        def order(_index: int) -> list[str]:
            made = []
            while not over.is_set():
                made.append(shop.order(key, "a lighthouse up:late=0.5"))
                time.sleep(0.2)
            return made

        def burn(index: int) -> list[str]:
            try:
                _burn([ups[0], ups[1]], chance, fire_s)
            finally:
                over.set()
            return []

        done = together(5, lambda index: burn(index) if index == 0 else order(index), timeout_s=fire_s + 120)
        assert [made for made in done if isinstance(made, Exception)] == []
        tasks = [task_id for made in done if isinstance(made, list) for task_id in made]
        wait_until(all_have_ended, "every order to end", timeout_s=180)
        messages = set()
        for task_id in tasks:
            _, _, body = shop.ask("GET", f"/api/status?task_id={task_id}", key)
            messages.add(body["data"]["error_message"])
    ends = Counter(Generation.objects.values_list("status", flat=True))
    assert set(ends) <= {"succeeded", "failed"}
    assert ends["succeeded"] > 0.9 * len(tasks), (
        ends,
        Counter(Attempt.objects.values_list("outcome", flat=True)),
    )
    allowed = {
        None,
        "timeout: generation took too long",
        "upstream_unavailable: please retry later",
        "generation_failed",
    }
    assert messages <= allowed
    assert_books_are_right()


def _burn(ups: list[Up], chance: random.Random, fire_s: float) -> None:
    end_at = time.monotonic() + fire_s
    while time.monotonic() < end_at:
        up = chance.choice(ups)
        match chance.choice(("kill", "refuse", "busy", "hang", "rest")):
            case "kill":
                up.kill()
                time.sleep(chance.uniform(0.2, 1))
                up.start()
            case "refuse":
                up.behave(status=chance.choice((401, 402, 403)), body={})
            case "busy":
                up.behave(status=chance.choice((429, 500, 503)), body={})
            case "hang":
                up.behave(manner="hang")
        time.sleep(chance.uniform(0.2, 1))
        up.behave()
