"""Many wait, and one thread asks for all of them."""

import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from accounts.line import DeafLine
from generations.errors import TooManyWaiting
from generations.waiting import WaitingRoom
from tests.waiting import wait_until

LONG_S = 30


class Asked:
    """What ends, and what was asked; `away`: the database is not there."""

    def __init__(self) -> None:
        self.ended: set[int] = set()
        self.asked: list[set[int]] = []
        self.by: set[str] = set()
        self.away = False

    def look(self, generation_ids: Collection[int]) -> set[int]:
        self.asked.append(set(generation_ids))
        self.by.add(threading.current_thread().name)
        if self.away:
            raise ConnectionError
        return self.ended & set(generation_ids)


class CutLine(DeafLine):
    """The client leaves as soon as somebody listens for it."""

    def watch(self, on_cut: Callable[[], None] | None = None) -> None:
        if on_cut is not None:
            on_cut()


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def room(asked: Asked) -> WaitingRoom:
    return WaitingRoom(asked.look)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def is_watched() -> bool:
    return any(thread.name == "waiting" for thread in threading.enumerate())


def test_one_question_is_asked_for_all_and_none_when_nobody_waits(
    room: WaitingRoom, asked: Asked, pool: ThreadPoolExecutor
) -> None:
    waits = [pool.submit(room.wait, number, DeafLine(), LONG_S) for number in range(5)]
    wait_until(lambda: asked.asked and asked.asked[-1] == set(range(5)), "one question for all")
    asked.ended = {0, 1, 2, 3}
    for wait in waits[:4]:
        wait.result(LONG_S)
    wait_until(lambda: asked.asked[-1] == {4}, "a question for the last")
    assert not waits[4].done()
    asked.ended.add(4)
    waits[4].result(LONG_S)
    assert asked.by == {"waiting"}
    wait_until(lambda: not is_watched(), "the watch to end")


def test_watch_begins_again_with_the_next(room: WaitingRoom, asked: Asked) -> None:
    asked.ended = {1, 2}
    room.wait(1, DeafLine(), LONG_S)
    wait_until(lambda: not is_watched(), "the watch to end")
    room.wait(2, DeafLine(), LONG_S)
    assert asked.asked[-1] == {2}


def test_database_that_is_away_for_a_while_ends_no_wait(
    room: WaitingRoom, asked: Asked, pool: ThreadPoolExecutor
) -> None:
    asked.away = True
    wait = pool.submit(room.wait, 1, DeafLine(), LONG_S)
    wait_until(lambda: len(asked.asked) >= 2, "two questions in vain")
    assert not wait.done()
    asked.ended, asked.away = {1}, False
    wait.result(LONG_S)


def test_wait_is_over_after_its_time_or_with_its_client(room: WaitingRoom) -> None:
    room.wait(1, DeafLine(), 0.01)
    room.wait(1, CutLine(), LONG_S)


def test_places_are_limited_and_come_back(room: WaitingRoom, settings: Settings) -> None:
    settings.MAX_WAITING = 2
    for _ in range(2):
        with room.place(), room.place():
            with pytest.raises(TooManyWaiting) as refused, room.place():
                pass
            assert refused.value.retry_after in (1, 2)
