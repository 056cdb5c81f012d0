"""The rate limit on a real Redis: the same answers as in one process, and no harm when it is away."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import throttling
from accounts.gcra import Rate
from accounts.throttling import ProcessLimiter, RedisLimiter
from tests import scale
from tests.accounts.asks import both, one
from tests.servers import Servers
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


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An address at which packets are lost: its queue is full, so the kernel answers nobody."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as stack:
        for _ in range(4):
            filling = stack.enter_context(socket.socket())
            filling.setblocking(False)
            filling.connect_ex(server.getsockname())
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


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
        ask = one(create, subject, otherwise=read, once=once)
        first, second = on_redis.take(ask), in_process.take(ask)
        assert (first.rate, first.allowed, first.possible) == (second.rate, second.allowed, second.possible)
        assert first.next_us == pytest.approx(second.next_us, abs=5_000_000)


def test_burst_on_redis_counts_down_to_the_number(url: str) -> None:
    limiter = RedisLimiter(url)
    rate = Rate("create", 1, 3)
    stated = [limiter.take(one(rate)).state_header for _ in range(4)]
    assert stated == ['"create";r=2;t=60', '"create";r=1;t=60', '"create";r=0;t=60', '"create";r=0;t=60']


def test_a_take_is_one_call_of_redis(url: str) -> None:
    limiter = RedisLimiter(url)
    limiter.take(one(CREATE))  # loads the script
    with redis.Redis.from_url(url) as client:
        client.config_resetstat()
        limiter.take(one(CREATE, otherwise=READ, once="mark"))
        calls = client.info("commandstats")
    assert calls["cmdstat_evalsha"]["calls"] == 1
    assert "cmdstat_eval" not in calls


def test_buckets_expire_on_redis_when_they_are_full_again(url: str) -> None:
    limiter = RedisLimiter(url)
    limiter.take(one(Rate("create", 60, 5), otherwise=READ, once="mark"))
    with redis.Redis.from_url(url) as client:
        assert 0 < client.pttl("limit:create:key") <= 2_000
        assert 86_300 < client.ttl("once:mark") <= 86_400


def test_script_is_loaded_again_after_redis_forgot_it(url: str) -> None:
    limiter = RedisLimiter(url)
    limiter.take(one(CREATE))
    with redis.Redis.from_url(url) as client:
        client.script_flush()
    assert limiter.take(one(CREATE)).possible == 18


@pytest.mark.parametrize("kind", ["redis", "process"])
def test_32_threads_at_once_get_exactly_the_burst(url: str, kind: str) -> None:
    limiter = RedisLimiter(url) if kind == "redis" else ProcessLimiter()
    rate = Rate("create", 1, 100)

    def take_ten(_index: int) -> int:
        return sum(limiter.take(one(rate)).allowed for _ in range(10))

    passed = together(32, take_ten)
    assert all(isinstance(count, int) for count in passed), passed
    assert sum(count for count in passed if isinstance(count, int)) == 100


def test_two_processes_of_one_shop_share_a_bucket(url: str) -> None:
    first, second = RedisLimiter(url), RedisLimiter(url)
    rate = Rate("create", 1, 3)
    allowed = [limiter.take(one(rate)).allowed for limiter in (first, second, first, second)]
    assert allowed == [True, True, True, False]


def test_closed_redis_is_made_up_for_in_process(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    limiter = RedisLimiter(f"redis://127.0.0.1:{port}/0")
    started = time.monotonic()
    assert [limiter.take(one(Rate("create", 1, 2))).allowed for _ in range(3)] == [True, True, False]
    scale.record("three requests while Redis is down", round(time.monotonic() - started, 3), "s", limit=0.5)


def test_fallback_in_process_counts_for_the_organization_too(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    limiter = RedisLimiter(f"redis://127.0.0.1:{port}/0")
    own, shared = Rate("create", 1, 2), Rate("create", 1, 3)
    seen = [limiter.take(both(own, shared, key)) for key in "aabb"]
    assert [decision.allowed for decision in seen] == [True, True, True, False]
    assert seen[-1].bucket.source == "organization"


def test_flushed_redis_begins_anew_with_full_buckets(url: str) -> None:
    limiter = RedisLimiter(url)
    ask = both(Rate("create", 1, 3), Rate("create", 1, 2))
    assert [limiter.take(ask).allowed for _ in range(3)] == [True, True, False]
    with redis.Redis.from_url(url) as client:
        client.flushall()
        assert [limiter.take(ask).allowed for _ in range(3)] == [True, True, False]
        assert len(client.keys("limit:*")) == 2


def test_frozen_redis_is_counted_with_again_when_it_thaws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = Servers(tmp_path)
    try:
        own_url = servers.start_valkey()
        process = psutil.Process(int((servers.folder / "valkey.pid").read_text()))
        limiter = RedisLimiter(own_url)
        ask = both(Rate("create", 1, 3), Rate("create", 1, 9))
        assert limiter.take(ask).possible == 2
        process.suspend()
        started = time.monotonic()
        in_process = [limiter.take(ask).possible for _ in range(50)]
        scale.record(
            "fifty requests while Redis is frozen", round(time.monotonic() - started, 3), "s", limit=2
        )
        assert in_process == [2, 1, 0] + [0] * 47
        process.resume()
        monkeypatch.setattr(limiter, "_away_until", time.monotonic())
        # Whether Redis still served what it was asked while frozen is not ours to say; its numbers are its own.
        assert limiter.take(ask).possible in (0, 1)
    finally:
        servers.stop()


def test_after_an_outage_one_request_tries_and_the_others_do_not_wait(silent_server: socket.socket) -> None:
    limiter = RedisLimiter(f"redis://127.0.0.1:{silent_server.getsockname()[1]}/0")
    limiter._away_until = time.monotonic()  # the pause is over
    together(8, lambda _index: limiter.take(one(CREATE)))
    assert new_connections(silent_server) == 1


def test_without_taking_turns_everybody_tries_control(
    silent_server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = RedisLimiter(f"redis://127.0.0.1:{silent_server.getsockname()[1]}/0")
    limiter._away_until = time.monotonic()
    monkeypatch.setattr(limiter, "_tries_again", lambda: True)
    together(8, lambda _index: limiter.take(one(CREATE)))
    assert new_connections(silent_server) == 8


def test_silent_redis_delays_one_request_and_no_other(silent_server: socket.socket) -> None:
    limiter = RedisLimiter(f"redis://127.0.0.1:{silent_server.getsockname()[1]}/0")
    started = time.monotonic()
    limiter.take(one(CREATE))
    first_s = time.monotonic() - started
    assert new_connections(silent_server) > 0
    started = time.monotonic()
    for _ in range(100):
        limiter.take(one(CREATE))
    next_s = time.monotonic() - started
    assert new_connections(silent_server) == 0
    scale.record("the first request while Redis hangs", round(first_s, 3), "s", limit=2)
    scale.record("the next hundred while Redis hangs", round(next_s, 3), "s", limit=0.5)


def test_redis_to_which_packets_are_lost_delays_one_request_and_no_other(black_hole: str) -> None:
    limiter = RedisLimiter(black_hole)
    started = time.monotonic()
    assert limiter.take(one(CREATE)).allowed
    first_s = time.monotonic() - started
    assert first_s > 0.5, "It was answered"
    started = time.monotonic()
    for _ in range(100):
        limiter.take(one(CREATE))
    next_s = time.monotonic() - started
    scale.record("the first request while packets to Redis are lost", round(first_s, 3), "s", limit=2)
    scale.record("the next hundred while packets to Redis are lost", round(next_s, 3), "s", limit=0.5)


def test_redis_is_used_again_when_it_is_back(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling, "REDIS_PAUSE_S", 0.0)
    limiter = RedisLimiter(url)
    rate = Rate("create", 1, 2)
    with redis.Redis.from_url(url) as client:
        client.config_set("maxmemory", "1")  # under noeviction every write is refused
        try:
            assert limiter.take(one(rate)).possible == 1
            assert not client.exists("limit:create:key")
        finally:
            client.config_set("maxmemory", "0")
        assert limiter.take(one(rate)).possible == 1
        assert client.exists("limit:create:key")


def test_connection_that_redis_closed_is_opened_again(url: str) -> None:
    limiter = RedisLimiter(url)
    rate = Rate("create", 1, 3)
    assert limiter.take(one(rate)).possible == 2
    with redis.Redis.from_url(url) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    assert limiter.take(one(rate)).possible == 1


@pytest.mark.parametrize("text", ["abc", "\xe9\xfc", "a" * 257, "x y", ":", "*"])
def test_any_mark_can_be_kept_on_redis(url: str, text: str) -> None:
    limiter = RedisLimiter(url)
    used = [limiter.take(one(CREATE, otherwise=READ, once=f"1:1:{text}")).rate.name for _ in range(2)]
    assert used == ["create", "read"]
