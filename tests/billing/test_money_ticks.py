"""The ticks of money: in one process each kind runs once at a time."""

import threading

import pytest

from accounts.ticks import one_at_a_time
from billing import payments, refunds, stripe_events, tasks


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


@pytest.mark.django_db
def test_an_event_that_nobody_can_deal_with_keeps_no_refund_back(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def cannot() -> None:
        raise KeyError("payment_intent")

    monkeypatch.setattr(stripe_events, "process_due", cannot)
    monkeypatch.setattr(payments, "sync_due", lambda: done.append("payments"))
    monkeypatch.setattr(refunds, "carry_out_due", lambda: done.append("refunds"))
    tasks.settle()
    assert done == ["payments", "refunds"]
