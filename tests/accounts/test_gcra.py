"""The rate limit as arithmetic: what may pass, and what the headers promise."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.gcra import Decision, Rate
from accounts.throttling import ProcessLimiter
from tests.accounts.asks import HandClock, one

rates = st.builds(Rate, st.just("create"), st.integers(1, 100_000), st.integers(1, 200))
# Pauses between requests in microseconds, many of them none: a burst is the interesting case.
pauses = st.lists(st.one_of(st.just(0), st.integers(0, 90_000_000)), min_size=1, max_size=300)


def arrivals(rate: Rate, gaps_us: list[int]) -> list[tuple[int, Decision]]:
    clock = HandClock()
    limiter = ProcessLimiter(clock)
    seen = []
    for gap in gaps_us:
        clock.now_us += gap
        seen.append((clock.now_us, limiter.take(one(rate))))
    return seen


@given(rates, pauses)
def test_no_window_lets_more_through_than_burst_and_refill(rate: Rate, gaps_us: list[int]) -> None:
    passed = [at for at, decision in arrivals(rate, gaps_us) if decision.allowed]
    for first, begin in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= rate.burst + (passed[last] - begin) / rate.interval_us


@given(rates, pauses)
def test_request_is_refused_only_when_the_answer_before_said_so(rate: Rate, gaps_us: list[int]) -> None:
    seen = arrivals(rate, gaps_us)
    for (_, before), (_, after) in itertools.pairwise(seen):
        if before.possible >= 1:
            assert after.allowed


@given(rates, pauses)
def test_who_waits_as_long_as_told_is_let_in(rate: Rate, gaps_us: list[int]) -> None:
    clock = HandClock()
    limiter = ProcessLimiter(clock)
    for gap in gaps_us:
        clock.now_us += gap
        decision = limiter.take(one(rate))
        if not decision.allowed:
            assert decision.possible == 0
            clock.now_us += decision.next_us
            assert limiter.take(one(rate)).allowed


@given(rates, pauses)
def test_refused_request_costs_nothing(rate: Rate, gaps_us: list[int]) -> None:
    clock = HandClock()
    asked_often, asked_once = ProcessLimiter(clock), ProcessLimiter(clock)
    for gap in gaps_us:
        clock.now_us += gap
        decision = asked_once.take(one(rate))
        assert asked_often.take(one(rate)).allowed == decision.allowed
        if not decision.allowed:
            again = [asked_often.take(one(rate)) for _ in range(3)]
            assert not any(other.allowed for other in again)


@given(rates, pauses)
def test_stated_numbers_stay_within_the_policy(rate: Rate, gaps_us: list[int]) -> None:
    for _at, decision in arrivals(rate, gaps_us):
        assert 0 <= decision.possible <= rate.burst
        assert 0 < decision.next_us <= rate.interval_us
        assert decision.retry_after_s >= math.ceil(decision.next_us / 1e6)
        assert decision.retry_after_s >= 1


def test_headers_of_a_burst_count_down_to_the_number() -> None:
    clock = HandClock()
    limiter = ProcessLimiter(clock)
    rate = Rate("create", 60, 3)
    stated = [limiter.take(one(rate)).state_header for _ in range(4)]
    assert stated == ['"create";r=2;t=1', '"create";r=1;t=1', '"create";r=0;t=1', '"create";r=0;t=1']
    clock.pass_s(1.5)
    assert limiter.take(one(rate)).state_header == '"create";r=0;t=1'
    clock.pass_s(3600)
    assert limiter.take(one(rate)).state_header == '"create";r=2;t=1'


def test_policy_states_the_seconds_that_a_full_refill_takes() -> None:
    limiter = ProcessLimiter(HandClock())
    assert limiter.take(one(Rate("read", 600, 120))).policy_header == '"read";q=120;w=12'
    assert limiter.take(one(Rate("create", 7, 3))).policy_header == '"create";q=3;w=26'


def test_keys_and_buckets_are_counted_apart() -> None:
    limiter = ProcessLimiter(HandClock())
    create, read = Rate("create", 60, 1), Rate("read", 60, 1)
    allowed = [limiter.take(one(rate, key)).allowed for key in ("a", "b") for rate in (create, read)]
    assert allowed == [True] * 4
    assert not limiter.take(one(create, "a")).allowed


def test_mark_moves_repeats_to_the_other_bucket_for_a_day() -> None:
    clock = HandClock()
    limiter = ProcessLimiter(clock)
    create, read = Rate("create", 60, 2), Rate("read", 60, 3)

    def name(key: str = "a") -> str:
        return limiter.take(one(create, key, otherwise=read, once="mark")).rate.name

    assert [name(), name(), name()] == ["create", "read", "read"]
    clock.pass_s(86_399)
    assert name() == "read"
    clock.pass_s(2)
    assert name() == "create"


def test_refused_request_leaves_no_mark() -> None:
    clock = HandClock()
    limiter = ProcessLimiter(clock)
    create, read = Rate("create", 60, 1), Rate("read", 60, 10)
    limiter.take(one(create, "a"))
    assert not limiter.take(one(create, "a", otherwise=read, once="mark")).allowed
    clock.pass_s(1)
    assert limiter.take(one(create, "a", otherwise=read, once="mark")).rate.name == "create"


@pytest.mark.parametrize("hours", [1, 48])
def test_memory_holds_only_what_still_counts(hours: int) -> None:
    clock = HandClock()
    limiter = ProcessLimiter(clock)
    read = Rate("read", 60, 10)
    for number in range(100):
        limiter.take(one(Rate("create", 60, 20), f"key-{number}", otherwise=read, once=f"mark-{number}"))
    clock.pass_s(hours * 3600)
    limiter.take(one(read, "late"))
    assert len(limiter._tats) == 1
    assert len(limiter._marks) == (100 if hours == 1 else 0)
