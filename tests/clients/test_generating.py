"""From prompt to file: waiting, failing, and images that arrive whole or not at all."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import QUICK
from tests.clients.stand_in import IMAGE, KEY, TASK, Cut, Reply, StandIn, error
from tintype import (
    AsyncTintype,
    ConnectionFailed,
    DownloadFailed,
    Generation,
    GenerationFailed,
    Image,
    StillRunning,
    Tintype,
    UnexpectedAnswer,
    _operations,
)

Asked = Callable[..., Any]


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_operations, "FIRST_POLL_S", 0.001)
        yield


def _status(status: str, **members: Any) -> Reply:
    return Reply(200, {"id": TASK, "status": status, "progress": 0} | members)


def test_generate_waits_and_tells_of_each_state(ask: Asked) -> None:
    told: list[Generation] = []
    made = ask(lambda shop: shop.generate("a lighthouse", aspect_ratio="16:9", on_progress=told.append))
    assert [(state.status, state.progress) for state in told] == [("running", 62), ("succeeded", 100)]
    assert (made.consumed_credits, made.images[0].width) == (15, 1280)


def test_an_order_that_fails_is_an_error_with_the_reason(ask: Asked, stand_in: StandIn) -> None:
    reason = {"type": "content_rejected", "message": "The prompt was refused"}
    stand_in.then(_status("queued"), _status("failed", error=reason))
    with pytest.raises(GenerationFailed, match="The prompt was refused") as failed:
        ask(lambda shop: shop.generate("a lighthouse"))
    assert (failed.value.type, failed.value.task_id) == ("content_rejected", TASK)


def test_an_order_that_was_canceled_elsewhere_is_an_error(ask: Asked, stand_in: StandIn) -> None:
    stand_in.then(_status("queued"), _status("canceled"))
    with pytest.raises(GenerationFailed) as failed:
        ask(lambda shop: shop.generate("a lighthouse"))
    assert failed.value.type == "canceled"


def test_wait_returns_what_failed(ask: Asked, stand_in: StandIn) -> None:
    stand_in.then(_status("running"), _status("failed"))
    assert ask(lambda shop: shop.generations.wait(TASK)).status == "failed"


def test_who_waited_long_enough_is_told_where_it_stands(ask: Asked, stand_in: StandIn) -> None:
    stand_in.then(_status("queued"), *[_status("running", progress=40)] * 99)
    with pytest.raises(StillRunning) as still:
        ask(lambda shop: shop.generate("a lighthouse", timeout_s=0.01))
    assert (still.value.task_id, still.value.generation.progress) == (TASK, 40)


def test_an_order_that_is_lost_sight_of_is_named(ask: Asked, stand_in: StandIn) -> None:
    stand_in.then(_status("queued"), *[Cut()] * 5)
    with pytest.raises(ConnectionFailed) as failed:
        ask(lambda shop: shop.generate("a lighthouse"))
    assert failed.value.task_id == TASK


def test_polling_outlasts_a_shop_that_is_away_for_a_moment(ask: Asked, stand_in: StandIn) -> None:
    stand_in.then(_status("queued"), error(503, "unavailable", retry_after=0), Cut())
    stand_in.then(_status("succeeded"))
    assert ask(lambda shop: shop.generate("a lighthouse")).status == "succeeded"


def test_an_image_becomes_a_file_and_the_key_is_not_sent_for_it(
    ask: Asked, stand_in: StandIn, tmp_path: Path
) -> None:
    made = ask(lambda shop: shop.generate("a lighthouse"))
    ask(lambda shop: shop.save(made.images[0], tmp_path / "out.jpg"))
    assert (tmp_path / "out.jpg").read_bytes() == IMAGE
    assert "authorization" not in stand_in.seen[-1].headers
    assert [file.name for file in tmp_path.iterdir()] == ["out.jpg"]


@pytest.mark.parametrize("damage", [Cut(), Reply(200, IMAGE[:-1]), Reply(200, IMAGE[:-1] + b"!"), Reply(503)])
def test_a_damaged_image_is_fetched_again(ask: Asked, stand_in: StandIn, damage: Reply | Cut) -> None:
    image = ask(lambda shop: shop.generate("a lighthouse")).images[0]
    stand_in.then(damage)
    assert ask(lambda shop: shop.download(image)) == IMAGE


def test_an_image_that_stays_damaged_leaves_no_file(ask: Asked, stand_in: StandIn, tmp_path: Path) -> None:
    image = ask(lambda shop: shop.generate("a lighthouse")).images[0]
    (tmp_path / "out.jpg").write_text("what was there before")
    stand_in.then(*[Reply(200, b"short")] * 5)
    with pytest.raises(DownloadFailed, match="not what the shop announced"):
        ask(lambda shop: shop.save(image, tmp_path / "out.jpg"))
    assert (tmp_path / "out.jpg").read_text() == "what was there before"


def test_a_link_that_expired_says_what_to_do(ask: Asked, stand_in: StandIn) -> None:
    image = ask(lambda shop: shop.generate("a lighthouse")).images[0]
    stand_in.seen.clear()
    stand_in.then(error(403, "link_closed"))
    with pytest.raises(DownloadFailed, match="read the generation again"):
        ask(lambda shop: shop.download(image))
    assert len(stand_in.seen) == 1


@pytest.mark.parametrize("url", ["file:///etc/passwd", "", "http://a:b"])
def test_an_address_that_is_none_is_not_opened(ask: Asked, url: str) -> None:
    with pytest.raises((DownloadFailed, UnexpectedAnswer)):
        ask(lambda shop: shop.download(Image(url)))


def test_many_orders_share_one_asynchronous_client(stand_in: StandIn) -> None:
    async def run() -> list[Generation]:
        async with AsyncTintype(KEY, stand_in.base_url, retries=QUICK) as shop:
            return await asyncio.gather(*(shop.generate(f"lighthouse {number}") for number in range(8)))

    made = asyncio.run(run())
    assert len({generation.id for generation in made}) == 8
    assert all(generation.images for generation in made)


def test_threads_share_one_client(stand_in: StandIn) -> None:
    with Tintype(KEY, stand_in.base_url, retries=QUICK) as shop, ThreadPoolExecutor(8) as threads:
        made = list(threads.map(shop.generate, [f"lighthouse {number}" for number in range(8)]))
    assert [generation.prompt for generation in made] == [f"lighthouse {number}" for number in range(8)]


def test_a_task_of_asyncio_that_is_canceled_stops_at_once(stand_in: StandIn) -> None:
    async def run() -> None:
        async with AsyncTintype(KEY, stand_in.base_url) as shop:
            stand_in.then(_status("queued"), *[_status("running")] * 9999)
            async with asyncio.timeout(0.05):
                await shop.generate("a lighthouse")

    with pytest.raises(TimeoutError):
        asyncio.run(run())
