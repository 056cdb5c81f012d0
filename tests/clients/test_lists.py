"""Lists are read page after page, and no further than somebody looks."""

import asyncio
import datetime
import itertools
from collections.abc import Iterable
from typing import Any

import pytest

from tests.clients.conftest import QUICK
from tests.clients.stand_in import KEY, PLAIN, Reply, StandIn, error, listing
from tintype import AsyncTintype, Tintype, UnexpectedAnswer


@pytest.fixture
def seven(stand_in: StandIn) -> StandIn:
    with _shop(stand_in) as shop:
        for number in range(7):
            shop.generations.create(f"lighthouse {number}")
    stand_in.seen.clear()
    return stand_in


def _shop(stand_in: StandIn) -> Tintype:
    return Tintype(KEY, stand_in.base_url, retries=QUICK)


NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
NEWEST_FIRST = [f"lighthouse {number}" for number in reversed(range(7))]


def test_all_pages_are_read_in_order(seven: StandIn) -> None:
    with _shop(seven) as shop:
        assert [task.prompt for task in shop.generations.list(page_size=3)] == NEWEST_FIRST
    assert [(seen.query.get("cursor"), seen.query["limit"]) for seen in seven.seen] == [
        (None, "3"), ("3", "3"), ("6", "3"),
    ]  # fmt: skip


def test_all_pages_are_read_in_order_asynchronously(seven: StandIn) -> None:
    async def prompts() -> list[str | None]:
        async with AsyncTintype(KEY, seven.base_url) as shop:
            return [task.prompt async for task in shop.generations.list(page_size=3)]

    assert asyncio.run(prompts()) == NEWEST_FIRST
    assert len(seven.seen) == 3


def test_a_page_that_nobody_looks_at_is_not_read(seven: StandIn) -> None:
    with _shop(seven) as shop:
        assert len(list(itertools.islice(shop.generations.list(page_size=3), 3))) == 3
    assert len(seven.seen) == 1


def test_a_page_that_fails_is_tried_again_and_nothing_comes_twice(seven: StandIn) -> None:
    with _shop(seven) as shop:
        tasks = iter(shop.generations.list(page_size=4))
        found = [next(tasks).prompt for _ in range(4)]
        seven.then(error(503, "unavailable", retry_after=0))
        found += [task.prompt for task in tasks]
    assert found == NEWEST_FIRST


def test_one_page_by_its_cursor(seven: StandIn) -> None:
    with _shop(seven) as shop:
        page = shop.generations.list(page_size=3).page("6")
    assert [task.prompt for task in page.data] == ["lighthouse 0"]
    assert page.next_cursor is None


def test_a_filter_is_sent_with_every_page(seven: StandIn) -> None:
    with _shop(seven) as shop:
        list(shop.generations.list(status="queued", created_after=NOON, page_size=5))
    asked = {"status": "queued", "created_after": "2026-11-22T12:00:00+00:00", "limit": "5"}
    assert [seen.query for seen in seven.seen] == [asked, asked | {"cursor": "5"}]


def test_an_empty_page_is_not_the_end(stand_in: StandIn) -> None:
    """With a filter the shop looks at a bounded number of rows for each page."""
    stand_in.then(Reply(200, listing([], "further")))
    with _shop(stand_in) as shop:
        assert [entry.id for entry in shop.ledger(kind="grant")] == ["le_1"]


def test_a_list_that_leads_in_a_circle_ends(stand_in: StandIn) -> None:
    stand_in.then(*[Reply(200, listing([], "again"))] * 2)
    with _shop(stand_in) as shop, pytest.raises(UnexpectedAnswer, match="no next page"):
        list(shop.ledger())


@pytest.mark.parametrize("body", [{"data": None}, [], None])
def test_what_is_no_list_is_said(stand_in: StandIn, body: Any) -> None:
    stand_in.then(Reply(200, body))
    with _shop(stand_in) as shop, pytest.raises(UnexpectedAnswer, match="not a list"):
        list(shop.models())


def test_every_list_has_its_address(stand_in: StandIn) -> None:
    with _shop(stand_in) as shop:
        found: dict[str, Iterable[Any]] = {
            "/models": shop.models(),
            "/ledger": shop.ledger(),
            "/usage": shop.usage(group_by=["day", "model"], end=datetime.date(2026, 11, 22)),
            "/keys": shop.keys.list(),
            "/webhook-endpoints": shop.webhook_endpoints.list(),
            "/webhook-deliveries": shop.webhook_deliveries.list(endpoint="we_1"),
        }
        for path, items in found.items():
            assert [item.raw for item in items] == PLAIN[path]["data"]
    queries = {seen.path.removeprefix("/api/v1"): seen.query for seen in stand_in.seen}
    assert queries["/usage"] == {"group_by": "day,model", "end": "2026-11-22"}
    assert queries["/webhook-deliveries"] == {"endpoint": "we_1"}
