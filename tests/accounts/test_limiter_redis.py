"""The rate limit on a real Redis: the same answers as in one process, and no harm when it is away."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import throttling
from accounts.throttling import ProcessLimiter, Rate, RedisLimiter
from tests import scale
from tests.threads import together

CREATE, READ = Rate("create", 60, 20), Rate("read", 600, 120)


@pytest.fixture
def url() -> str:
    address = os.environ["TEST_REDIS_URL"]
    with redis.Redis.from_url(address) as client:
        client.flushdb()
    return address


@pytest.fixture
def silent_server() -> Iterator[socket.socket]:
    """Connections are taken, and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        server.setblocking(False)
        yield server


def new_connections(server: socket.socket) -> int:
    """How many were opened since the last count."""
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


@settings(max_examples=scale.count(20, 200))
@given(
    burst=st.integers(1, 30),
    takes=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["", "x", "y"])), max_size=60),
)
def test_redis_and_one_process_decide_alike(burst: int, takes: list[tuple[str, str]]) -> None:
    # At one request an hour the real time between the takes plays no part.
    create, read = Rate("create", 1, burst), Rate("read", 1, burst + 1)
    address = os.environ["TEST_REDIS_URL"]
    with redis.Redis.from_url(address) as client:
        client.flushdb()
    on_redis, in_process = RedisLimiter(address), ProcessLimiter()
    for subject, once in takes:
        one = on_redis.take(subject, create, otherwise=read, once=once)
        other = in_process.take(subject, create, otherwise=read, once=once)
        assert (one.rate, one.allowed, one.possible) == (other.rate, other.allowed, other.possible)
        assert one.next_s == pytest.approx(other.next_s, abs=5)


def test_burst_on_redis_counts_down_to_the_number(url: str) -> None:
    limiter = RedisLimiter(url)
    rate = Rate("create", 1, 3)
    stated = [limiter.take("key", rate).state_header for _ in range(4)]
    assert stated == ['"create";r=2;t=60', '"create";r=1;t=60', '"create";r=0;t=60', '"create";r=0;t=60']


def test_a_take_is_one_call_of_redis(url: str) -> None:
    limiter = RedisLimiter(url)
    limiter.take("key", CREATE)  # loads the script
    with redis.Redis.from_url(url) as client:
        client.config_resetstat()
        limiter.take("key", CREATE, otherwise=READ, once="mark")
        calls = client.info("commandstats")
    assert calls["cmdstat_evalsha"]["calls"] == 1
    assert "cmdstat_eval" not in calls


def test_buckets_expire_on_redis_when_they_are_full_again(url: str) -> None:
    limiter = RedisLimiter(url)
    limiter.take("key", Rate("create", 60, 5), otherwise=READ, once="mark")
    with redis.Redis.from_url(url) as client:
        assert 0 < client.pttl("limit:create:key") <= 2_000
        assert 86_300 < client.ttl("once:mark") <= 86_400


def test_script_is_loaded_again_after_redis_forgot_it(url: str) -> None:
    limiter = RedisLimiter(url)
    limiter.take("key", CREATE)
    with redis.Redis.from_url(url) as client:
        client.script_flush()
    assert limiter.take("key", CREATE).possible == 18


@pytest.mark.parametrize("kind", ["redis", "process"])
def test_32_threads_at_once_get_exactly_the_burst(url: str, kind: str) -> None:
    limiter = RedisLimiter(url) if kind == "redis" else ProcessLimiter()
    rate = Rate("create", 1, 100)

    def take_ten(_index: int) -> int:
        return sum(limiter.take("key", rate).allowed for _ in range(10))

    passed = together(32, take_ten)
    assert all(isinstance(count, int) for count in passed), passed
    assert sum(count for count in passed if isinstance(count, int)) == 100


def test_two_processes_of_one_shop_share_a_bucket(url: str) -> None:
    one, other = RedisLimiter(url), RedisLimiter(url)
    rate = Rate("create", 1, 3)
    assert [limiter.take("key", rate).allowed for limiter in (one, other, one, other)] == [
        True,
        True,
        True,
        False,
    ]


def test_closed_redis_is_made_up_for_in_process(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    limiter = RedisLimiter(f"redis://127.0.0.1:{port}/0")
    started = time.monotonic()
    assert [limiter.take("key", Rate("create", 1, 2)).allowed for _ in range(3)] == [True, True, False]
    scale.record("three requests while Redis is down", round(time.monotonic() - started, 3), "s", limit=0.5)


def test_silent_redis_delays_one_request_and_no_other(silent_server: socket.socket) -> None:
    limiter = RedisLimiter(f"redis://127.0.0.1:{silent_server.getsockname()[1]}/0")
    started = time.monotonic()
    limiter.take("key", CREATE)
    first_s = time.monotonic() - started
    assert new_connections(silent_server) > 0
    started = time.monotonic()
    for _ in range(100):
        limiter.take("key", CREATE)
    next_s = time.monotonic() - started
    assert new_connections(silent_server) == 0
    scale.record("the first request while Redis hangs", round(first_s, 3), "s", limit=2)
    scale.record("the next hundred while Redis hangs", round(next_s, 3), "s", limit=0.5)


def test_redis_is_used_again_when_it_is_back(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling, "REDIS_PAUSE_S", 0.0)
    limiter = RedisLimiter(url)
    rate = Rate("create", 1, 2)
    with redis.Redis.from_url(url) as client:
        client.config_set("maxmemory", "1")  # under noeviction every write is refused
        try:
            assert limiter.take("key", rate).possible == 1
            assert not client.exists("limit:create:key")
        finally:
            client.config_set("maxmemory", "0")
        assert limiter.take("key", rate).possible == 1
        assert client.exists("limit:create:key")


def test_connection_that_redis_closed_is_opened_again(url: str) -> None:
    limiter = RedisLimiter(url)
    rate = Rate("create", 1, 3)
    assert limiter.take("key", rate).possible == 2
    with redis.Redis.from_url(url) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    assert limiter.take("key", rate).possible == 1


@pytest.mark.parametrize("text", ["abc", "\xe9\xfc", "a" * 257, "x y", ":", "*"])
def test_any_mark_can_be_kept_on_redis(url: str, text: str) -> None:
    limiter = RedisLimiter(url)
    used = [limiter.take("key", CREATE, otherwise=READ, once=f"1:1:{text}").rate.name for _ in range(2)]
    assert used == ["create", "read"]
