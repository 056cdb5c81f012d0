"""Whoever asks at once, in threads: buckets give what they have and no more, and a refusal costs nothing."""

import os
import threading
import time

import pytest
import redis

from accounts.gcra import Rate
from accounts.throttling import Limiter, ProcessLimiter, RedisLimiter
from tests.accounts.asks import both, one
from tests.concurrency.conftest import RUNNERS
from tests.threads import together

URL = os.environ["TEST_REDIS_URL"]
BURST = 7
OWN, SHARED = Rate("create", 1, RUNNERS), Rate("create", 1, BURST)


@pytest.fixture(params=["process", "redis"])
def limiter(request: pytest.FixtureRequest) -> Limiter:
    with redis.Redis.from_url(URL) as client:
        client.flushdb()
    return RedisLimiter(URL) if request.param == "redis" else ProcessLimiter()


def test_takes_at_once_get_the_burst_and_leave_the_other_bucket_what_was_refused(limiter: Limiter) -> None:
    passed = together(RUNNERS, lambda _index: limiter.take(both(OWN, SHARED)).allowed)
    assert passed.count(True) == BURST
    assert passed.count(False) == RUNNERS - BURST
    assert limiter.take(one(OWN)).possible == RUNNERS - BURST - 1


def test_repetitions_at_once_make_one_creation(limiter: Limiter) -> None:
    ask = one(Rate("create", 1, 5), otherwise=Rate("read", 1, 1000), once="mark")
    used = together(RUNNERS, lambda _index: limiter.take(ask).rate.name)
    assert (used.count("create"), used.count("read")) == (1, RUNNERS - 1)


class KeptInProcess:
    """Where a limiter without the one step would keep its number."""

    def __init__(self) -> None:
        self.tat = 0

    def read(self) -> int:
        return self.tat

    def write(self, tat: int) -> None:
        self.tat = tat


class KeptOnRedis:
    def __init__(self) -> None:
        self.client = redis.Redis.from_url(URL)
        self.client.set("tat", 0)

    def read(self) -> int:
        return int(self.client.get("tat") or 0)

    def write(self, tat: int) -> None:
        self.client.set("tat", tat)


@pytest.mark.parametrize("place", [KeptInProcess, KeptOnRedis])
def test_reading_the_bucket_first_lets_all_through_control(place: type[KeptInProcess | KeptOnRedis]) -> None:
    everybody_has_read = threading.Barrier(RUNNERS)
    kept = place()

    def take_naively(_index: int) -> bool:
        tat, now = kept.read(), time.time_ns() // 1000
        everybody_has_read.wait(30)
        ahead = SHARED.ahead_us(tat, now)
        if SHARED.gives(ahead):
            kept.write(now + ahead + SHARED.interval_us)
            return True
        return False

    assert together(RUNNERS, take_naively) == [True] * RUNNERS


@pytest.mark.parametrize("place", [KeptInProcess, KeptOnRedis])
def test_looking_for_the_mark_first_makes_a_creation_of_each_repetition_control(
    place: type[KeptInProcess | KeptOnRedis],
) -> None:
    everybody_has_looked = threading.Barrier(RUNNERS)
    kept = place()

    def repeat_naively(_index: int) -> bool:
        is_marked = kept.read() != 0
        everybody_has_looked.wait(30)
        kept.write(1)
        return not is_marked

    assert together(RUNNERS, repeat_naively) == [True] * RUNNERS


def test_asking_one_bucket_after_the_other_pays_for_refusals_control(limiter: Limiter) -> None:
    def take_one_by_one(_index: int) -> bool:
        return limiter.take(one(OWN)).allowed and limiter.take(one(SHARED, "organization")).allowed

    assert together(RUNNERS, take_one_by_one).count(True) == BURST
    assert not limiter.take(one(OWN)).allowed
