"""A shop whose upstream is another shop: both books are right, and what one owes the other no customer learns."""

import json
from pathlib import Path

import pytest
from django.db import connection

from generations.models import UpstreamState
from tests.faults.books import CREDITS, a_customer, assert_books_are_right, task
from tests.makers import PRICE_CREDITS, an_upstream, settlements_of, wallet_of
from tests.shop import RunningShop, start, start_elsewhere
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("sqlite")
PAID_FOR = 2  # images that the second shop can buy of the first
SETTINGS = {"SWEEP_S": "0.5", "SANDBOX_SECONDS": "0.2"}
ON_FILES = {"DATABASE_URL": "", "REDIS_URL": "", "DEMO": "1"}


def ended(task_id: str) -> str:
    wait_until(lambda: task(task_id).has_ended, "the order to end", timeout_s=60)
    connection.close()
    return task(task_id).status


def test_images_pass_from_one_to_the_other_until_the_credits_are_spent(
    committed_db: None, tmp_path: Path
) -> None:
    first_folder, second_folder = tmp_path / "first", tmp_path / "second"
    first_folder.mkdir()
    second_folder.mkdir()
    with (
        start_elsewhere(first_folder, first_folder / "data", **ON_FILES, **SETTINGS) as first,
        start(second_folder, **SETTINGS) as second,
    ):
        slug = first.organization("Second Shop", PAID_FOR * PRICE_CREDITS)
        address = f"http://localhost:{first.port}"  # as it calls itself in the addresses of its images
        account = first.key(slug)
        upstream = an_upstream("portal", base_url=address, credential=account, resends=True)
        organization, key = a_customer()

        tasks = [second.order(key, f"a lighthouse {number}") for number in range(PAID_FOR)]
        assert [ended(task_id) for task_id in tasks] == ["succeeded"] * PAID_FOR
        status, headers, _ = second.ask("HEAD", _address(second, key, tasks[0]))
        assert (status, headers.get_content_type()) == (200, "image/jpeg")
        assert wallet_of(organization)[0] == CREDITS - PAID_FOR * PRICE_CREDITS
        assert json.loads(first.say("show_wallet", slug)) == {"available": 0, "held": 0, "owed": 0}

        refused = second.order(key, "one too many")
        assert ended(refused) == "failed"
        _, _, body = second.ask("GET", f"/api/status?task_id={refused}", key)
        assert body["data"]["error_message"] == "upstream_unavailable: please retry later"
        assert settlements_of(task(refused)) == ["release"]
        state = UpstreamState.objects.get(pk=upstream.pk)
        assert state.reason == "funds"
        assert "402" in state.detail

        # A second account takes over: the customer sees nothing of it.
        rich = first.key(first.organization("Second Shop, again", 10 * PRICE_CREDITS))
        an_upstream("portal", base_url=address, credential=rich, priority=20)
        wait_until(lambda: _accepts(second, key), "the shop to know of it")
        assert ended(second.order(key, "by the other account")) == "succeeded"
        assert_books_are_right()
        assert "ok" in first.say("check_ledger")


def _address(shop: RunningShop, key: str, task_id: str) -> str:
    _, _, body = shop.ask("GET", f"/api/status?task_id={task_id}", key)
    return "/i/" + str(body["data"]["response"][0]).partition("/i/")[2]


def _accepts(shop: RunningShop, key: str) -> bool:
    return shop.ask("POST", "/api/generate", key, {"prompt": "x", "size": "256*256"})[0] == 200
