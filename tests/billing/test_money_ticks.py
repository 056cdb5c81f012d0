"""The ticks of money: in one process each kind runs once at a time."""

import threading

import pytest

from accounts.ticks import one_at_a_time


def test_a_tick_that_hangs_holds_one_thread_and_no_more() -> None:
    begun, may_end = threading.Event(), threading.Event()
    runs: list[int] = []

    @one_at_a_time
    def hang() -> None:
        runs.append(1)
        begun.set()
        assert may_end.wait(10)

    first = threading.Thread(target=hang)
    first.start()
    assert begun.wait(10)
    for _ in range(5):
        hang()  # returns at once
    assert len(runs) == 1
    may_end.set()
    first.join(10)
    hang()
    assert len(runs) == 2


def test_one_that_fails_lets_the_next_run() -> None:
    runs: list[int] = []

    @one_at_a_time
    def fail() -> None:
        runs.append(1)
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            fail()
    assert len(runs) == 2
