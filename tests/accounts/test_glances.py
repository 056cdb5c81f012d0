"""What all threads share is read once, by one of them; the others are not kept waiting for it."""

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from django.db import OperationalError
from psycopg_pool import PoolTimeout

from accounts import glances
from accounts.glances import ASKED_AGAIN_S, LOOK_AGAIN_S, Glances, Kept, Shared
from tests import scale
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
    cpu_s = 0.0  # what this thread has used

    def monotonic(self) -> float:
        return self.now_s

    def thread_time(self) -> float:
        return self.cpu_s


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


def test_without_the_lock_each_of_them_reads_control() -> None:
    class Open:
        def acquire(self, *, timeout: float) -> bool:
            return True

        def release(self) -> None:
            """Nobody else was kept out."""

    all_are_reading = threading.Barrier(16)
    kept = Kept(lambda _before: all_are_reading.wait(30) >= 0)
    kept._lock = Open()  # type: ignore[assignment]
    assert together(16, lambda _number: kept()) == [True] * 16


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


class CountingClock(Clock):
    asked = 0

    def monotonic(self) -> float:
        self.asked += 1
        return self.now_s


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> CountingClock:
    counting = CountingClock()
    monkeypatch.setattr(glances, "time", counting)
    return counting


def looked_at_once(clock: CountingClock, source: Source, seen: Glances[None, int]) -> list[int | Exception]:
    """What two get of whom the second comes while the first looks, for longer than a second."""
    got: list[int | Exception] = []

    def look() -> None:
        try:
            got.append(seen(None))
        except OperationalError as error:
            got.append(error)

    source.gate.clear()
    first, second = (threading.Thread(target=look, daemon=True) for _ in range(2))
    first.start()
    wait_until(lambda: source.count == 1, "the first to look")
    asked = clock.asked
    second.start()
    wait_until(lambda: clock.asked > asked, "the second to have come")
    clock.now_s += 5 * LOOK_AGAIN_S
    source.gate.set()
    first.join(10)
    second.join(10)
    return got


def test_who_waits_for_a_slow_look_takes_what_it_finds(counting: CountingClock) -> None:
    source = Source()
    assert looked_at_once(counting, source, Glances(source.read)) == [1, 1]
    assert source.count == 1


def test_who_waits_for_a_look_that_fails_is_told_so_and_who_comes_after_looks(
    counting: CountingClock,
) -> None:
    source = Source(broken=OperationalError("gone"))
    seen = Glances[None, int](source.read)
    assert looked_at_once(counting, source, seen) == [source.broken] * 2
    assert source.count == 1
    source.broken = None
    assert seen(None) == 2


# --- Of many keys -------------------------------------------------------------------------------


@dataclass(slots=True)
class Rows:
    """What a database holds, by key; `looks`: for which keys it was asked, each time."""

    values: dict[int, str] = field(default_factory=lambda: {key: f"of {key}" for key in range(100)})
    looks: list[set[int]] = field(default_factory=list)

    def look(self, keys: Sequence[int]) -> Mapping[int, str]:
        self.looks.append(set(keys))
        return {key: self.values[key] for key in keys if key in self.values}


def test_keys_that_were_asked_for_lately_are_read_together(clock: Clock) -> None:
    rows = Rows()
    shared = Shared(rows.look)
    for _ in range(3):
        assert [shared(key) for key in (1, 2, 3)] == ["of 1", "of 2", "of 3"]
    assert rows.looks == [{1}, {2}, {3}]
    clock.now_s += LOOK_AGAIN_S
    for _ in range(3):
        assert [shared(key) for key in (1, 2, 3)] == ["of 1", "of 2", "of 3"]
    assert rows.looks[3:] == [{1, 2, 3}]
    assert shared(4) == "of 4"
    assert rows.looks[4:] == [{4}]


def test_none_is_older_than_a_second(clock: Clock) -> None:
    rows = Rows()
    shared = Shared(rows.look)
    shared(1)
    clock.now_s += LOOK_AGAIN_S - 0.1
    assert shared(2) == "of 2"
    rows.values |= {1: "new", 2: "new"}
    assert (shared(1), shared(2)) == ("of 1", "of 2")
    clock.now_s += 0.1  # of the other one that was read alone, too
    assert (shared(1), shared(2)) == ("new", "new")


def test_keys_that_nobody_asks_for_any_more_are_let_go(clock: Clock) -> None:
    rows = Rows()
    shared = Shared(rows.look)
    for key in range(100):
        shared(key)
    clock.now_s += ASKED_AGAIN_S - 1
    assert shared(7) == "of 7"
    assert len(shared._kept().values) == 100
    clock.now_s += LOOK_AGAIN_S
    assert shared(7) == "of 7"
    assert (rows.looks[-1], shared._kept().values) == ({7}, {7: "of 7"})


def test_at_most_so_many_are_read_together_and_those_stay(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glances, "MOST_KEYS", 10)
    rows = Rows()
    shared = Shared(rows.look)
    for _ in range(3):
        for key in range(100):
            assert shared(key) == f"of {key}"
        clock.now_s += LOOK_AGAIN_S
    assert shared(0) == "of 0"
    assert rows.looks[-1] == set(range(10))
    assert set(shared._kept().values) == set(shared._kept().asked) == set(range(10))


def test_no_more_are_read_together_than_the_processor_does_in_a_moment(clock: Clock) -> None:
    """As with a shop of which there is much to read: the others are not made to read it all the time."""
    rows, each_s = Rows(), 0.01

    def look(keys: Sequence[int]) -> Mapping[int, str]:
        clock.cpu_s += each_s * len(keys)
        return rows.look(keys)

    shared = Shared(look)
    counts = []
    for _ in range(30):
        for key in range(100):
            assert shared(key) == f"of {key}"
        clock.now_s += LOOK_AGAIN_S
        shared(0)
        counts.append(len(rows.looks[-1]))
    assert counts[0] == 100
    assert max(counts[1:]) * each_s < 1.5 * glances.MOST_CPU_S
    assert min(counts) >= 4
    each_s = 0.0001
    for _ in range(20):
        clock.now_s += LOOK_AGAIN_S
        for key in range(100):
            shared(key)
    clock.now_s += LOOK_AGAIN_S
    shared(0)
    assert len(rows.looks[-1]) == 100


def test_key_without_a_value_is_said_each_time_and_spoils_no_other(clock: Clock) -> None:
    rows = Rows()
    shared = Shared(rows.look)
    assert shared(1) == "of 1"
    for _ in range(2):
        with pytest.raises(KeyError):
            shared(-1)
        clock.now_s += LOOK_AGAIN_S
        assert shared(1) == "of 1"
    del rows.values[1]
    clock.now_s += LOOK_AGAIN_S
    with pytest.raises(KeyError):
        shared(1)


def test_what_is_said_of_keys_that_were_not_asked_for_is_nobodys(clock: Clock) -> None:
    shared: Shared[int, str] = Shared(lambda keys: {1: "of 1", 2: "of 2", 3: "of 3"})
    assert shared(1) == "of 1"
    clock.now_s += LOOK_AGAIN_S
    assert shared(2) == "of 2"
    assert shared._kept().values == {1: "of 1", 2: "of 2"}


def test_several_that_are_forgotten_are_read_anew() -> None:
    rows = Rows()
    shared = Shared(rows.look)
    shared(1)
    rows.values[1] = "new"
    shared.forget()
    assert shared(1) == "new"


def test_late_look_for_one_does_not_overwrite_what_was_read_after_it(clock: Clock) -> None:
    rows, gate, begun = Rows(), threading.Event(), threading.Event()

    def look(keys: Sequence[int]) -> Mapping[int, str]:
        found = rows.look(keys)
        if list(keys) == [2] and not begun.is_set():
            begun.set()
            assert gate.wait(30)
        return found

    shared = Shared(look)
    shared(1)
    late = threading.Thread(target=shared, args=(2,), daemon=True)
    late.start()
    assert begun.wait(30)
    rows.values[2] = "new"
    clock.now_s += LOOK_AGAIN_S
    assert shared(1) == "of 1"
    gate.set()
    late.join(10)
    assert shared(2) == "new"


def test_no_key_is_ever_given_the_value_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many threads ask for keys at random, while all is read again all the time, in an order that is nobody's."""
    monkeypatch.setattr(glances, "LOOK_AGAIN_S", 0.0005)
    monkeypatch.setattr(glances, "ASKED_AGAIN_S", 0.002)
    monkeypatch.setattr(glances, "MOST_KEYS", 20)

    def look(keys: Sequence[int]) -> Mapping[int, tuple[int, str]]:
        mixed = random.sample([*keys, -1], len(keys) + 1)
        return {key: (key, f"of {key}") for key in mixed}

    shared = Shared(look)

    def ask(number: int) -> int:
        chance = random.Random(number)
        keys = [chance.randrange(100) for _ in range(scale.count(2_000, 50_000))]
        return sum(shared(key) != (key, f"of {key}") for key in keys)

    assert together(8, ask) == [0] * 8
