"""Sixty-four processes at once against a running shop."""

import http.client
import json
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from generations.models import Generation
from tests import scale
from tests.makers import PRICE_CREDITS
from tests.shop import RunningShop, start
from tests.waiting import wait_until

POSTERS = 64


@pytest.fixture
def shop(committed_db: None, tmp_path: Path) -> Iterator[RunningShop]:
    with start(tmp_path, SANDBOX_SECONDS="0") as shop:
        yield shop


def all_have_ended() -> bool:
    ended = not Generation.objects.filter(status__in=("queued", "running")).exists()
    connection.close()
    return ended


def test_64_processes_on_credit_for_10_get_10_and_no_more(shop: RunningShop) -> None:
    for round_ in range(scale.count(1, 5)):
        slug = shop.organization(f"Round {round_}", 10 * PRICE_CREDITS)
        key = shop.key(slug, "--rate-per-minute", "6000", "--burst", "1000")
        answers = shop.post_at_once(POSTERS, key)
        assert Counter(answer["status"] for answer in answers) == {200: 10, 402: 54}
        assert Generation.objects.filter(organization__slug=slug).count() == 10
        assert shop.say("check_ledger") == "ok"
    wait_until(all_have_ended, "all tasks to end", timeout_s=60)
    assert set(Generation.objects.values_list("status", flat=True)) == {"succeeded"}
    assert shop.say("check_ledger") == "ok"
    assert json.loads(shop.say("show_wallet", slug)) == {"available": 0, "held": 0, "owed": 0}


def test_one_idempotency_key_from_64_processes_makes_one_task(shop: RunningShop) -> None:
    slug = shop.organization("Studio", 1000)
    key = shop.key(slug)  # with the usual burst of 20: replays count as reads
    answers = shop.post_at_once(POSTERS, key, "the-same-key")
    statuses = Counter(answer["status"] for answer in answers)
    assert set(statuses) <= {200, 409}, statuses
    assert statuses[200] >= 1
    bodies: list[Any] = [answer["body"] for answer in answers if answer["status"] == 200]
    assert len({body["data"]["task_id"] for body in bodies}) == 1
    assert Generation.objects.filter(organization__slug=slug).count() == 1
    wait_until(all_have_ended, "the task to end", timeout_s=60)
    assert json.loads(shop.say("show_wallet", slug)) == {"available": 985, "held": 0, "owed": 0}
    assert shop.say("check_ledger") == "ok"


def test_an_image_is_there_within_a_second_of_its_order(shop: RunningShop) -> None:
    key = shop.key(shop.organization("Studio", 1000), "--burst", "100")
    seconds = [_order_and_wait(shop.port, key) for _ in range(20)]
    name = "POST to SUCCESS, median of 20" + (", embedded" if connection.vendor == "sqlite" else "")
    scale.record(name, statistics.median(seconds), "s", limit=1.0)


def _order_and_wait(port: int, key: str) -> float:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(method: str, path: str, body: str | None = None) -> dict[str, Any]:
        client.request(method, path, body, headers)
        answer = client.getresponse()
        content: dict[str, Any] = json.loads(answer.read())
        assert answer.status == 200, content
        return content["data"]  # type: ignore[no-any-return] # JSON

    began = time.monotonic()
    order = json.dumps({"prompt": "a lighthouse", "aspect_ratio": "1:1"})
    task_id = ask("POST", "/api/generate", order)["task_id"]

    def succeeded() -> bool:
        time.sleep(0.1)  # as a client polls; the limit for reading is 10 a second
        status = ask("GET", f"/api/status?task_id={task_id}")["status"]
        assert status != "FAILED"
        return bool(status == "SUCCESS")

    wait_until(succeeded, "the image", timeout_s=30)
    client.close()
    return time.monotonic() - began
