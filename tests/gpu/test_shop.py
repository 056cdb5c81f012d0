"""A shop with a GPU (the processor, and a tiny model): from the order to the image, and what becomes of it when the
device breaks or its process is killed.
"""

import hashlib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from generations.models import GpuWorker, Image
from tests.faults.books import CREDITS, a_customer, assert_books_are_right, task, wait_until_all_have_ended
from tests.faults.shop import command_line
from tests.makers import PRICE_CREDITS, age, an_upstream, settlements_of, wallet_of
from tests.shop import RunningShop, start
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def fault(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fault") / "now"


@pytest.fixture(scope="module")
def shop(
    kept_db: None, model: Path, fault: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningShop]:
    """Its worker with a GPU is ready, and its upstream set up."""
    settings = {
        "GPU_WORKERS": "1",
        "GPU_MODEL": str(model),
        "GPU_DEVICE": "cpu",
        "GPU_SIZES": "256x256",
        "SWEEP_S": "0.3",
        "DJANGO_SETTINGS_MODULE": "tests.gpu.settings",
        "FAULT_FILE": str(fault),
        "OMP_NUM_THREADS": "1",
    }
    with start(tmp_path_factory.mktemp("shop"), **settings) as shop:
        an_upstream("local", base_url="", name="The card", cost_micros=700)
        wait_until_ready()
        yield shop


def wait_until_ready() -> None:
    wait_until(
        lambda: GpuWorker.objects.filter(ready=True).exists(), "the GPU's worker to be ready", timeout_s=90
    )


def worker_of(shop: RunningShop) -> psutil.Process:
    [worker] = [
        child
        for child in psutil.Process(shop.processes.process.pid).children()
        if "-Q gpu" in command_line(child) or "gpu_worker" in command_line(child)
    ]
    return worker


def order(shop: RunningShop, key: str, prompt: str = "a lighthouse", **fields: Any) -> str:
    body = {"prompt": prompt, "size": "256*256", **fields}
    status, _, answer = shop.ask("POST", "/api/generate", key, body)
    assert status == 200, answer
    task_id: str = answer["data"]["task_id"]
    return task_id


def image_of(shop: RunningShop, key: str, task_id: str) -> bytes:
    wait_until(lambda: task(task_id).has_ended, "the image", timeout_s=30)
    _, _, answer = shop.ask("GET", f"/api/status?task_id={task_id}", key)
    assert answer["data"]["status"] == "SUCCESS", answer
    with urllib.request.urlopen(answer["data"]["response"][0], timeout=10) as file:
        found: bytes = file.read()
    return found


def test_from_the_order_to_the_image_which_its_seed_makes_again(shop: RunningShop) -> None:
    organization, key = a_customer()
    first, again, other = (
        hashlib.sha256(image_of(shop, key, order(shop, key, seed=seed, output_format="png"))).hexdigest()
        for seed in (7, 7, 8)
    )
    assert first == again
    assert first != other
    made = Image.objects.earliest("pk").provenance
    assert made["seed"] == 7
    assert made["steps"] == 8
    assert made["revision"].startswith("files-")
    assert made["diffusers"]
    assert wallet_of(organization)[:3] == (CREDITS - 3 * PRICE_CREDITS, 0, 0)
    assert_books_are_right()


def test_no_other_process_loads_torch(shop: RunningShop) -> None:
    with_torch = [
        child.pid
        for child in shop.processes.family()
        if any("libtorch" in area.path for area in child.memory_maps())
    ]
    assert with_torch == [worker_of(shop).pid]


def test_several_images_of_an_order_come_from_one_batch(shop: RunningShop) -> None:
    _, key = a_customer()
    status, _, answer = shop.ask(
        "POST", "/api/v1/generations", key, {"prompt": "two gulls", "size": "256x256", "n": 3}
    )
    assert status in (200, 201), answer
    wait_until(lambda: task(answer["id"]).has_ended, "the images", timeout_s=30)
    assert task(answer["id"]).status == "succeeded"
    assert task(answer["id"]).images.count() == 3
    assert task(answer["id"]).attempts.count() == 1
    assert_books_are_right()


def test_a_prompt_that_is_too_long_is_refused_before_anything_is_held(shop: RunningShop) -> None:
    organization, key = a_customer()
    status, _, answer = shop.ask(
        "POST", "/api/generate", key, {"prompt": "灯" * 200, "size": "256*256"}
    )  # 600 bytes, each a token here
    assert status == 400
    assert answer["error"]["param"] == "prompt"
    assert "512" in answer["message"]
    assert wallet_of(organization)[:2] == (CREDITS, 0)


def test_a_device_that_breaks_ends_the_process_and_its_orders_are_made_by_the_next(
    shop: RunningShop, fault: Path
) -> None:
    organization, key = a_customer()
    before = worker_of(shop).pid
    fault.touch()
    tasks = [order(shop, key, f"gpu:lost {number}") for number in range(4)]
    wait_until(lambda: not psutil.pid_exists(before), "the process to end", timeout_s=30)
    wait_until_all_have_ended(timeout_s=90)
    assert worker_of(shop).pid != before
    assert {task(task_id).status for task_id in tasks} == {"succeeded"}
    assert all(settlements_of(task(task_id)) == ["capture"] for task_id in tasks)
    assert wallet_of(organization)[:3] == (CREDITS - 4 * PRICE_CREDITS, 0, 0)
    assert_books_are_right()


def test_orders_of_a_killed_process_are_made_by_the_next(shop: RunningShop) -> None:
    organization, key = a_customer()
    wait_until_ready()
    worker = worker_of(shop)
    worker.suspend()  # so that it is killed with orders in hand, however fast it is
    tasks = [order(shop, key) for _ in range(2)]
    worker.resume()
    wait_until(lambda: any(task(task_id).claim for task_id in tasks), "one to be begun", timeout_s=30)
    worker.kill()
    for task_id in tasks:
        if task(task_id).status == "running":
            age(task(task_id), lease_until=0.001)
    wait_until_all_have_ended(timeout_s=90)
    assert {task(task_id).status for task_id in tasks} == {"succeeded"}
    assert wallet_of(organization)[:3] == (CREDITS - 2 * PRICE_CREDITS, 0, 0)
    assert_books_are_right()
