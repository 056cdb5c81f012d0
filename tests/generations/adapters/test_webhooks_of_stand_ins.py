"""Webhooks as they really come: signed on the way out, over HTTP, verified on the raw body."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from generations.providers.base import OutcomeKind
from generations.providers.http import Line
from generations.providers.wire import Answer, ForgedWebhook, Request
from tests.generations.adapters.driving import job, sent
from tests.upstreams.http1 import Asked, Reply, read_request, write_reply
from tests.upstreams.running import Up


@dataclass
class Door:
    """Takes webhooks, as the product's own endpoint would."""

    url: str = ""
    came: list[Asked] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await read_request(reader)
        if asked is not None:
            self.came.append(asked)
            await write_reply(reader, writer, Reply(200, {}))
        writer.close()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.came) < count:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def door() -> AsyncIterator[Door]:
    opened = Door()
    server = await asyncio.start_server(opened.serve, "127.0.0.1", 0)
    opened.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks/1?token=a%2Fb&c=d"
    try:
        yield opened
    finally:
        server.close()


@pytest.fixture(params=["fal", "replicate", "wavespeed"])
def up(request: pytest.FixtureRequest, stand_in: Callable[[str], Up]) -> Up:
    return stand_in(request.param)


async def order(up: Up, prompt: str, count: int) -> tuple[Answer, int, list[Asked]]:
    """The answer to an order, how many webhooks had come by then, and the first `count` of them."""
    async with Line() as line, door() as opened:
        account = up.account(webhook_url=opened.url)
        ordered = job(prompt)
        response = await sent(line, up.adapter.submit(account, ordered), 5)
        before = len(opened.came)
        await opened.wait_for(count)
        return up.adapter.read_submit(account, ordered, response), before, opened.came


async def keys_of(up: Up) -> bytes:
    if not up.adapter.webhook_keys_url:
        return b""
    async with Line() as line:
        return (await sent(line, Request("GET", up.keys_url), 5)).body


def check(up: Up, came: Asked) -> None:
    keys = asyncio.run(keys_of(up))
    up.adapter.verify_webhook(up.account(), came.headers, came.body, keys, time.time())


def test_a_genuine_one_comes_when_the_image_is_ready(up: Up) -> None:
    answer, before, came = asyncio.run(order(up, "up:late=0.1 a lighthouse", 1))
    assert answer.kind == OutcomeKind.WAIT
    assert before == 0
    assert came[0].target == "/webhooks/1?token=a%2Fb&c=d"
    check(up, came[0])


def test_one_that_comes_twice_is_genuine_both_times(up: Up) -> None:
    _, _, came = asyncio.run(order(up, "up:webhook=twice a lighthouse", 2))
    assert came[0].body == came[1].body
    for each in came:
        check(up, each)


def test_one_can_come_before_the_answer_to_the_order(up: Up) -> None:
    answer, before, came = asyncio.run(order(up, "up:webhook=early a lighthouse", 1))
    assert before == 1
    assert answer.kind == OutcomeKind.WAIT
    check(up, came[0])


def test_a_forged_one_is_refused(up: Up) -> None:
    _, _, came = asyncio.run(order(up, "up:webhook=forged a lighthouse", 1))
    with pytest.raises(ForgedWebhook):
        check(up, came[0])
