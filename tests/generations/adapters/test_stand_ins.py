"""The stand-ins themselves: they refuse what the real ones refuse, and hold many orders at once."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from generations.providers.base import OutcomeKind
from generations.providers.http import Line
from tests import scale
from tests.generations.adapters.driving import ask, job, sent, submit
from tests.upstreams.running import Up

# Where the real one looks at every member. A portal leaves alone what it does not know.
STRICT = ["fal", "replicate", "dashscope", "wavespeed", "openai_compatible"]


@pytest.mark.parametrize("name", STRICT)
@pytest.mark.parametrize("change", [{"unheard_of": 1}, {"prompt": 7, "input": 7}])
def test_bodies_of_another_shape_are_refused(
    stand_in: Callable[[str], Up], name: str, change: dict[str, Any]
) -> None:
    up = stand_in(name)
    order = job("a lighthouse")
    request = up.adapter.submit(up.account(), order)
    other = dataclasses.replace(request, body={**(request.body or {}), **change})
    assert up.adapter.read_submit(up.account(), order, ask(other)).kind == OutcomeKind.INVALID


@pytest.mark.parametrize(
    "body", [{"prompt": "x"}, {"prompt": "", "size": "1024*1024"}, {"size": "1024*1024"}]
)
def test_a_portal_wants_prompt_and_size(stand_in: Callable[[str], Up], body: dict[str, Any]) -> None:
    up = stand_in("portal")
    request = dataclasses.replace(up.adapter.submit(up.account(), job("x")), body=body)
    assert ask(request).status == 400


def test_one_that_was_killed_comes_back_without_memory(stand_in: Callable[[str], Up]) -> None:
    up = stand_in("portal")
    handle = submit(up.adapter, up.account(), job("a lighthouse")).handle
    up.kill()
    up.start()
    assert ask(up.adapter.poll(up.account(), handle)).status == 404


def test_many_orders_can_be_open_at_once(stand_in: Callable[[str], Up]) -> None:
    up, orders = stand_in("replicate"), [job("up:late=1 x") for _ in range(scale.count(100, 1_000))]
    account = up.account()

    async def one(line: Line, number: int) -> OutcomeKind:
        order = orders[number]
        answer = up.adapter.read_submit(
            account, order, await sent(line, up.adapter.submit(account, order), 60)
        )
        handle = answer.handle or {}
        while answer.kind == OutcomeKind.WAIT:
            await asyncio.sleep(0.5)
            response = await sent(line, up.adapter.poll(account, handle), 60)
            answer = up.adapter.read_poll(account, handle, response)
        return answer.kind

    async def all_of_them() -> list[OutcomeKind]:
        async with Line() as line:
            return await asyncio.gather(*(one(line, number) for number in range(len(orders))))

    assert set(asyncio.run(all_of_them())) == {OutcomeKind.OK}
