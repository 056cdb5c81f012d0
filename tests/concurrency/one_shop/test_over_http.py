"""Sixty-four processes at once against a running shop."""

import http.client
import json
import statistics
import time
from collections import Counter
from typing import Any

from django.db import connection

from accounts.api_keys import create_api_key
from accounts.models import Organization
from billing import audit
from generations.models import Generation
from tests import scale
from tests.makers import PRICE_CREDITS, all_have_ended, an_organization, wallet_of
from tests.shop import RunningShop
from tests.waiting import wait_until

POSTERS = 64


def key_of(studio: Organization, **options: Any) -> str:
    key = create_api_key(studio, livemode=True, **options)[1]
    connection.close()
    return key


def ends_of(studio: Organization) -> list[str]:
    """How each of its tasks ended."""
    wait_until(all_have_ended, "all tasks to end", timeout_s=60)
    return list(Generation.objects.filter(organization=studio).values_list("status", flat=True))


def test_64_processes_on_credit_for_10_get_10_and_no_more(shop: RunningShop) -> None:
    for _ in range(scale.count(1, 5)):
        studio = an_organization(10 * PRICE_CREDITS)
        answers = shop.post_at_once(POSTERS, key_of(studio, rate_per_minute=6000, burst=1000))
        assert Counter(answer["status"] for answer in answers) == {200: 10, 402: 54}
        assert Generation.objects.filter(organization=studio).count() == 10
        assert audit.check_snapshot() == []
    assert ends_of(studio) == ["succeeded"] * 10
    assert shop.say("check_ledger") == "ok"
    assert json.loads(shop.say("show_wallet", studio.slug)) == {"available": 0, "held": 0, "owed": 0}


def test_one_idempotency_key_from_64_processes_makes_one_task(shop: RunningShop) -> None:
    studio = an_organization(1000)
    # With the usual burst of 20: replays count as reads.
    answers = shop.post_at_once(POSTERS, key_of(studio), "the-same-key")
    statuses = Counter(answer["status"] for answer in answers)
    assert set(statuses) <= {200, 409}, statuses
    assert statuses[200] >= 1
    bodies: list[Any] = [answer["body"] for answer in answers if answer["status"] == 200]
    assert len({body["data"]["task_id"] for body in bodies}) == 1
    assert ends_of(studio) == ["succeeded"]
    assert wallet_of(studio)[:3] == (985, 0, 0)
    assert audit.check_snapshot() == []


def test_an_image_is_there_within_a_second_of_its_order(shop: RunningShop) -> None:
    key = key_of(an_organization(1000), burst=100)
    count = scale.count(5, 20)
    seconds = [_order_and_wait(shop.port, key) for _ in range(count)]
    name = f"POST to SUCCESS, median of {count}" + (", embedded" if connection.vendor == "sqlite" else "")
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
