"""kill -9 of the worker while orders of four images are made one image after another."""

import signal
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from django.db import connection

from accounts.access import Access
from generations import ordering
from generations.models import Attempt, Generation, Image
from tests.faults.books import CREDITS, a_customer, assert_books_are_right, open_orders
from tests.makers import PRICE_CREDITS, a_request, age, an_access, an_upstream, settlements_of, wallet_of
from tests.scale import PROOF, count
from tests.shop import RunningShop, start
from tests.upstreams.running import running
from tests.waiting import wait_until

N = 4
COST_MICROS = 5000
SETTINGS = {"SWEEP_S": "0.5", "CALL_TOTAL_S": "3", "LEASE_S": "4"}
# The stand-in of that port is not used here.
QUICK = {"DJANGO_SETTINGS_MODULE": "tests.upstream.settings", "UPSTREAM_PORT": "9", "SHORT_PAUSES": "1"}


def order(access: Access) -> Generation:
    request = replace(a_request("a lighthouse up:late=0.3", size="256*256"), n=N)
    generation = ordering.order(access, request, endpoint="test")
    age(generation, dispatch_after=1)  # nobody in the shop has heard a ring
    return generation


def brought() -> int:
    number = Attempt.objects.filter(outcome="ok").count()
    connection.close()
    return number


def worker_of(shop: RunningShop) -> psutil.Process:
    wait_until(lambda: len(shop.processes.children("worker")) == 1, "a worker", timeout_s=60)
    return shop.worker()


@pytest.mark.everyday_on("postgresql")
def test_workers_killed_between_images_lose_none_and_make_none_twice(
    committed_db: None, tmp_path: Path
) -> None:
    quick = {} if PROOF else QUICK
    with running("portal") as up, start(tmp_path, **SETTINGS, **quick) as shop:
        an_upstream(
            "portal",
            base_url=up.base_url,
            credential=up.credential,
            model_names={"z-image-turbo": up.model},
            concurrency=50,
            cost_micros=COST_MICROS,
            resends=True,
        )
        organization, _key = a_customer()
        orders = [order(an_access(organization)) for _ in range(count(4, 20))]
        kills = count(1, 8)
        for kill in range(kills):
            due = len(orders) * N * (kill + 1) // (kills + 1)
            wait_until(lambda due=due: brought() >= due, f"{due} images", timeout_s=120)  # type: ignore[misc]
            worker_of(shop).send_signal(signal.SIGKILL)
        wait_until(lambda: not open_orders(), "every order to end", timeout_s=180)
        for generation in orders:
            images = list(Image.objects.filter(generation=generation).order_by("index"))
            assert [image.index for image in images] == list(range(N))
            assert len({image.sha256 for image in images}) == N, "No image twice"
            keys = [image.storage_key.removeprefix(f"{generation.task_id}/") for image in images]
            assert shop.files_of(generation.task_id) == sorted(keys), "None lost, and nothing left behind"
    for generation in orders:
        assert settlements_of(generation) == ["capture"]
    booked = Attempt.objects.order_by("generation", "number").values_list("number", "outcome", "cost_micros")
    assert list(booked) == [(number, "ok", COST_MICROS) for number in range(1, N + 1)] * len(orders)
    assert wallet_of(organization)[:2] == (CREDITS - len(orders) * N * PRICE_CREDITS, 0)
    assert_books_are_right()
