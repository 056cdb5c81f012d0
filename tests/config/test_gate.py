"""Whose turn it is: few programs at once, pages beside them, and nobody for ever."""

import asyncio

import pytest

from config import gate
from config.gate import Gate, Place

pytestmark = pytest.mark.anyio
PLACES, TURNS = 4, 2


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Gate:
    monkeypatch.setattr(gate, "PATIENCE_S", 60)
    return Gate(PLACES, TURNS)


async def enters(door: Gate, *, is_program: bool = True) -> Place:
    place = Place(door, is_program=is_program)
    await asyncio.wait_for(place.take(), 10)
    return place


async def queues(door: Gate, *, is_program: bool = True) -> tuple[Place, "asyncio.Task[None]"]:
    """A place that is asked for, and not to be had yet."""
    place = Place(door, is_program=is_program)
    taking = asyncio.create_task(place.take())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not taking.done()
    return place, taking


async def test_programs_wait_for_a_turn_and_pages_do_not(door: Gate) -> None:
    first, _second = await enters(door), await enters(door)
    third, taking = await queues(door)
    await enters(door, is_program=False)
    first.give_back()
    await asyncio.wait_for(taking, 10)
    third.give_back()
    await enters(door)


async def test_who_waits_for_a_turn_takes_no_place(door: Gate) -> None:
    for _ in range(TURNS):
        await enters(door)
    for _ in range(PLACES):
        await queues(door)
    for _ in range(PLACES - TURNS):
        await enters(door, is_program=False)
    await queues(door, is_program=False)


async def test_without_a_turn_one_goes_on_after_a_while_and_gives_back_none(
    door: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "PATIENCE_S", 0)
    first, _second = await enters(door), await enters(door)
    third = await enters(door)
    third.give_back()
    assert door.turns.locked()
    first.give_back()
    assert not door.turns.locked()


async def test_a_turn_is_not_lost_with_who_is_called_off(door: Gate) -> None:
    for _ in range(PLACES):
        await enters(door, is_program=False)
    _place, taking = await queues(door)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    for _ in range(TURNS):
        await queues(door)
    assert door.turns.locked()


async def test_given_back_while_it_waits_and_taken_again(door: Gate) -> None:
    """As a request does that waits for its images."""
    place, _other = await enters(door), await enters(door)
    place.give_back()
    between = await enters(door)
    taking = asyncio.create_task(place.take())
    await asyncio.sleep(0)
    assert not taking.done()
    between.give_back()
    await asyncio.wait_for(taking, 10)
