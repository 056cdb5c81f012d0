"""A disk that is full while an image is stored: the kernel refuses the bytes, and nobody pays for that."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from generations.models import Attempt, Generation
from tests.faults.books import CREDITS, a_customer, assert_books_are_right, task
from tests.makers import settlements_of, wallet_of
from tests.shop import RunningShop
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("sqlite")

# Noise of 1536x1536 has three bytes a pixel. The files of SQLite stay below the limit.
SIZE, LIMIT_BYTES = "1536*1536", 6_500_000


@contextmanager
def disk_full_for(process: psutil.Process) -> Iterator[None]:
    """Files of this process stop at LIMIT_BYTES: a real error in the middle of a write, as a full disk's."""
    _, hard = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (LIMIT_BYTES, hard))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))


def outcomes_of(generation: Generation) -> list[str]:
    return list(
        Attempt.objects.filter(generation=generation).order_by("number").values_list("outcome", flat=True)
    )


def test_image_that_found_no_room_is_made_again_and_paid_once(shop: RunningShop) -> None:
    organization, key = a_customer()
    with disk_full_for(shop.worker()):
        task_id = shop.order(key, "upstream:noise", SIZE)
        wait_until(lambda: "not_stored" in outcomes_of(task(task_id)), "the disk to be full", timeout_s=30)
    wait_until(lambda: task(task_id).has_ended, "the task to end", timeout_s=60)
    generation = task(task_id)
    assert generation.status == "succeeded"
    assert outcomes_of(generation)[-1] == "ok"
    assert settlements_of(generation) == ["capture"]
    assert wallet_of(organization)[:3] == (CREDITS - generation.price_credits, 0, 0)
    assert shop.files_of(task_id) == [f"{generation.claim}/0.png"]
    assert_books_are_right()


def test_disk_that_stays_full_costs_the_customer_nothing_and_keeps_no_file(shop: RunningShop) -> None:
    organization, key = a_customer()
    with disk_full_for(shop.worker()):
        task_id = shop.order(key, "upstream:noise", SIZE)
        wait_until(lambda: task(task_id).has_ended, "the task to end", timeout_s=60)
    generation = task(task_id)
    assert (generation.status, generation.claim) == ("failed", 3)
    assert outcomes_of(generation) == ["not_stored"] * 3
    assert settlements_of(generation) == ["release"]
    assert wallet_of(organization)[:3] == (CREDITS, 0, 0)
    assert not (shop.data_dir / "images" / task_id).exists()
    assert_books_are_right()
