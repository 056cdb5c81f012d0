"""A key's bucket and its organization's, asked in one step: against a model, in a process and on a real Redis."""

import os
from dataclasses import dataclass

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.gcra import SECOND_US, Ask, Bucket, Decision, Rate
from accounts.throttling import Limiter, ProcessLimiter, RedisLimiter
from tests import scale
from tests.accounts.asks import HandClock, both, one

URL = os.environ["TEST_REDIS_URL"]
rates = st.builds(Rate, st.just("create"), st.integers(1, 100_000), st.integers(1, 30))
# Of each request: microseconds since the one before, and which key asks.
requests = st.lists(
    st.tuples(st.one_of(st.just(0), st.integers(0, 30_000_000)), st.sampled_from("ab")), max_size=200
)


@dataclass
class Tokens:
    """The same limit told another way: a jar that fills with time, and pays an interval for each request."""

    rate: Rate
    level_us: int

    @classmethod
    def full(cls, rate: Rate) -> "Tokens":
        return cls(rate, rate.burst * rate.interval_us)

    def wait(self, us: int) -> None:
        self.level_us = min(self.level_us + us, self.rate.burst * self.rate.interval_us)

    @property
    def possible(self) -> int:
        return self.level_us // self.rate.interval_us

    @property
    def next_us(self) -> int:
        is_full = self.possible == self.rate.burst
        return 0 if is_full else (self.possible + 1) * self.rate.interval_us - self.level_us


class Model:
    """Two jars: what a request of `key` is answered, as (allowed, possible now, microseconds until one more)."""

    def __init__(self, own: Rate, shared: Rate) -> None:
        self.own = {key: Tokens.full(own) for key in "ab"}
        self.shared = Tokens.full(shared)

    def wait(self, us: int) -> None:
        for jar in (*self.own.values(), self.shared):
            jar.wait(us)

    def take(self, key: str) -> tuple[bool, int, int]:
        jars = (self.own[key], self.shared)
        allowed = all(jar.possible for jar in jars)
        for jar in jars:
            jar.level_us -= jar.rate.interval_us * allowed
        possible = min(jar.possible for jar in jars)
        return allowed, possible, max(jar.next_us for jar in jars if jar.possible == possible)


def told(decision: Decision) -> tuple[bool, int, int]:
    return decision.allowed, decision.possible, decision.next_us


@given(rates, rates, requests)
def test_one_process_answers_as_the_model_does(own: Rate, shared: Rate, asked: list[tuple[int, str]]) -> None:
    clock, model = HandClock(), Model(own, shared)
    limiter = ProcessLimiter(clock)
    for gap_us, key in asked:
        clock.now_us += gap_us
        model.wait(gap_us)
        assert told(limiter.take(both(own, shared, key))) == model.take(key)


# Intervals and pauses of whole quarters of a minute: the real time between two takes plays no part.
slow_rates = st.builds(Rate, st.just("create"), st.sampled_from([1, 2, 4]), st.integers(1, 8))
slow_requests = st.lists(
    st.tuples(st.sampled_from([0, 0, 0, 15, 30, 45, 240]), st.sampled_from("ab")), max_size=40
)


@settings(max_examples=scale.count(25, 400))
@given(slow_rates, slow_rates, slow_requests)
def test_redis_answers_as_the_model_does(own: Rate, shared: Rate, asked: list[tuple[int, str]]) -> None:
    model, limiter = Model(own, shared), RedisLimiter(URL)
    with redis.Redis.from_url(URL) as client:
        client.flushdb()
        for pause_s, key in asked:
            age_buckets(client, pause_s)
            model.wait(pause_s * SECOND_US)
            decision = limiter.take(both(own, shared, key))
            allowed, possible, next_us = model.take(key)
            assert (decision.allowed, decision.possible) == (allowed, possible)
            assert decision.reset_s == next_us // SECOND_US


def age_buckets(client: redis.Redis, seconds: int) -> None:
    """As if so much time had passed: Redis' own clock cannot be moved."""
    for name in client.keys("limit:*"):
        client.set(name, int(client.get(name) or 0) - seconds * SECOND_US, keepttl=True)


@pytest.fixture(params=["process", "redis"])
def limiter(request: pytest.FixtureRequest) -> Limiter:
    with redis.Redis.from_url(URL) as client:
        client.flushdb()
    return RedisLimiter(URL) if request.param == "redis" else ProcessLimiter()


@pytest.mark.parametrize("per_minute", [1, 2, 7, 11])
def test_every_burst_counts_down_to_the_number(limiter: Limiter, per_minute: int) -> None:
    """Also where a minute divided by the rate is no whole number of microseconds."""
    rate = Rate("create", per_minute, 40)
    decisions = [limiter.take(one(rate)) for _ in range(42)]
    assert [decision.possible for decision in decisions] == [*range(39, -1, -1), 0, 0]
    assert [decision.allowed for decision in decisions] == [True] * 40 + [False] * 2


def test_request_that_one_bucket_refuses_takes_nothing_from_the_other(limiter: Limiter) -> None:
    own, shared = Rate("create", 1, 5), Rate("create", 1, 2)
    assert [limiter.take(both(own, shared)).allowed for _ in range(4)] == [True, True, False, False]
    assert limiter.take(one(own)).possible == 2
    assert [limiter.take(both(Rate("create", 1, 1), own, "b")).allowed for _ in range(3)] == [
        True,
        False,
        False,
    ]
    assert limiter.take(Ask((Bucket("organization", own, "organization"),))).possible == 1


def test_numbers_are_of_the_tighter_bucket(limiter: Limiter) -> None:
    own, shared = Rate("create", 1, 3), Rate("create", 1, 4)
    seen = [limiter.take(both(own, shared)) for _ in range(3)]
    assert [(d.bucket.source, d.possible) for d in seen] == [("key", 2), ("key", 1), ("key", 0)]
    seen = [limiter.take(both(own, shared, "b")) for _ in range(2)]
    assert [(d.bucket.source, d.allowed, d.possible) for d in seen] == [
        ("organization", True, 0),
        ("organization", False, 0),
    ]
    assert seen[1].policy_header == '"create";q=4;w=240'


@pytest.mark.parametrize(("own", "shared", "source"), [(1, 1, "key"), (1, 6, "key"), (6, 1, "organization")])
def test_of_two_equally_tight_buckets_the_slower_is_told_else_the_keys(
    own: int, shared: int, source: str
) -> None:
    """Else who waits as long as told would meet the other one."""
    limiter = ProcessLimiter(HandClock())
    ask = both(Rate("create", own, 1), Rate("create", shared, 1))
    for allowed in (True, False):
        decision = limiter.take(ask)
        assert (decision.allowed, decision.bucket.source, decision.retry_after_s) == (allowed, source, 60)


@given(rates, rates, requests)
def test_who_waits_as_long_as_told_is_let_in_by_both(
    own: Rate, shared: Rate, asked: list[tuple[int, str]]
) -> None:
    clock = HandClock()
    limiter = ProcessLimiter(clock)
    for gap_us, key in asked:
        clock.now_us += gap_us
        decision = limiter.take(both(own, shared, key))
        if not decision.allowed:
            clock.now_us += decision.next_us
            assert limiter.take(both(own, shared, key)).allowed


def test_repetition_takes_from_both_other_buckets(limiter: Limiter) -> None:
    create, read = (
        both(Rate("create", 1, 3), Rate("create", 1, 5)),
        both(Rate("read", 1, 7), Rate("read", 1, 4)),
    )
    repeated = Ask(create.buckets, read.buckets, "mark")
    seen = [limiter.take(repeated).state_header[:12] for _ in range(3)]
    assert seen == ['"create";r=2', '"read";r=3;t', '"read";r=2;t']
    assert limiter.take(create).possible == 1
    assert limiter.take(read).possible == 1


def test_lowered_limit_locks_nobody_out_for_longer_than_one_interval(limiter: Limiter) -> None:
    for _ in range(100):
        limiter.take(one(Rate("create", 1, 100)))
    decision = limiter.take(one(Rate("create", 60, 2)))
    assert (decision.allowed, decision.retry_after_s) == (False, 1)


def test_clock_of_redis_that_was_set_back_locks_nobody_out() -> None:
    rate = Rate("create", 60, 2)
    with redis.Redis.from_url(URL) as client:
        client.flushdb()
        limiter = RedisLimiter(URL)
        limiter.take(one(rate))
        age_buckets(client, -3600)
        decision = limiter.take(one(rate))
    assert (decision.allowed, decision.retry_after_s) == (False, 1)
