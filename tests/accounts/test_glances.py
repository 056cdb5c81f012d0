"""What all threads share is read once, by one of them; the others are not kept waiting for it."""

import threading
from dataclasses import dataclass, field

import pytest
from django.db import OperationalError
from psycopg_pool import PoolTimeout

from accounts import glances
from accounts.glances import LOOK_AGAIN_S, Glances, Kept
from tests.threads import together
from tests.waiting import wait_until


@dataclass(slots=True)
class Source:
    """Counts its readings; each waits until `gate` is open, and fails while `broken` is set."""

    count: int = 0
    broken: Exception | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    before: list[int | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    def read(self, before: int | None) -> int:
        self.count += 1
        self.before.append(before)
        number = self.count
        assert self.gate.wait(30)
        if self.broken is not None:
            raise self.broken
        return number


class Clock:
    """Stands still unless it is moved."""

    now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(glances, "time", clock)
    return clock


def in_the_background(work: Kept[int]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_many_threads_at_the_first_moment_read_once() -> None:
    source = Source()
    kept = Kept(source.read)
    assert together(16, lambda _number: kept()) == [1] * 16
    assert source.count == 1


def test_it_is_read_again_after_a_second_and_no_sooner(clock: Clock) -> None:
    source = Source()
    kept = Kept(source.read)
    assert kept() == 1
    clock.now_s += LOOK_AGAIN_S - 0.01
    assert kept() == 1
    clock.now_s += 0.01
    assert kept() == 2
    assert source.before == [None, 1]


def test_while_one_thread_reads_the_others_go_on_with_the_one_before(clock: Clock) -> None:
    source = Source()
    kept = Kept(source.read)
    assert kept() == 1
    clock.now_s += LOOK_AGAIN_S
    source.gate.clear()
    reader = in_the_background(kept)
    wait_until(lambda: source.count == 2, "somebody to read")
    assert together(8, lambda _number: kept()) == [1] * 8  # nobody waits: the gate is still shut
    source.gate.set()
    reader.join(10)
    assert kept() == 2
    assert source.count == 2


def test_after_a_silence_the_new_one_is_waited_for(clock: Clock) -> None:
    source = Source()
    kept = Kept(source.read)
    assert kept() == 1
    clock.now_s += 3600
    assert together(8, lambda _number: kept()) == [2] * 8
    assert source.count == 2


def test_but_not_for_longer_than_a_second(clock: Clock) -> None:
    source = Source()
    kept = Kept(source.read)
    assert kept() == 1
    clock.now_s += 3600
    source.gate.clear()
    reader = in_the_background(kept)
    wait_until(lambda: source.count == 2, "somebody to read")
    assert kept() == 1
    source.gate.set()
    reader.join(10)


@pytest.mark.parametrize("error", [OperationalError("gone"), PoolTimeout("full")])
def test_while_the_database_is_away_the_one_before_goes_on(clock: Clock, error: Exception) -> None:
    source = Source()
    kept = Kept(source.read)
    assert kept() == 1
    source.broken = error
    clock.now_s += LOOK_AGAIN_S
    assert [kept(), kept(), kept()] == [1, 1, 1]
    assert source.count == 2, "It is tried once a second, and not by every request"
    source.broken = None
    clock.now_s += LOOK_AGAIN_S
    assert kept() == 3


def test_without_one_before_it_is_said_that_the_database_is_away() -> None:
    source = Source(broken=OperationalError("gone"))
    kept = Kept(source.read)
    with pytest.raises(OperationalError):
        kept()
    source.broken = None
    assert kept() == 2


def test_a_mistake_of_ours_is_never_hidden(clock: Clock) -> None:
    source = Source()
    kept = Kept(source.read)
    kept()
    source.broken = ZeroDivisionError()
    clock.now_s += LOOK_AGAIN_S
    with pytest.raises(ZeroDivisionError):
        kept()


def test_what_is_forgotten_is_read_anew() -> None:
    source = Source()
    kept = Kept(source.read)
    kept()
    kept.forget()
    assert kept() == 2


def test_who_looks_for_one_key_keeps_nobody_from_another() -> None:
    source = Source()
    seen: Glances[str, int] = Glances(lambda key: source.read(None) if key == "slow" else 0)
    source.gate.clear()
    slow = threading.Thread(target=seen, args=("slow",), daemon=True)
    slow.start()
    wait_until(lambda: source.count == 1, "somebody to look")
    assert seen("quick") == 0  # the gate is still shut
    source.gate.set()
    slow.join(10)
    assert together(8, lambda _number: seen("slow")) == [1] * 8
    assert source.count == 1
