"""Request-rate limits: one atomic step a request, over all its buckets.

On Redis that is one Lua call with Redis' own clock; without Redis, or while it is away, a dictionary in this
process with a monotonic clock.
"""

import collections
import hashlib
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Protocol

import redis
from django.conf import settings
from redis.connection import ConnectionInterface
from redis.exceptions import NoScriptError

from accounts.errors import Unavailable
from accounts.gcra import SECOND_US, Ask, Decision

logger = logging.getLogger(__name__)

REDIS_PAUSE_S = 10.0  # how long a failed Redis is left alone
ONCE_S = 86_400  # as long as an idempotency record lives
PRUNE_US = 60 * SECOND_US


class Limiter(Protocol):
    def take(self, ask: Ask, *, refuse_uncounted: bool = False) -> Decision:
        """Takes one from each bucket of `ask`, or from none when one of them refuses.

        With `refuse_uncounted`, raises Unavailable where processes count together but cannot at the moment:
        guesses of a password must not multiply by the number of processes.
        """
        ...


def monotonic_us() -> int:
    return time.monotonic_ns() // 1000


class ProcessLimiter:
    """For one process: embedded mode, and whenever Redis is away."""

    def __init__(self, clock_us: Callable[[], int] = monotonic_us) -> None:
        self._clock_us = clock_us
        self._lock = threading.Lock()
        self._tats: dict[str, int] = {}
        self._marks: dict[int, int] = {}  # by hash: a day of them stays small
        self._prune_at = 0

    def take(self, ask: Ask, *, refuse_uncounted: bool = False) -> Decision:
        buckets, once = ask.buckets, ask.once
        with self._lock:
            now = self._clock_us()
            if now >= self._prune_at:
                self._prune(now)
            if once and self._marks.get(hash(once), 0) > now:
                buckets, once = ask.otherwise, ""
            ahead = [bucket.rate.ahead_us(self._tats.get(bucket.name, 0), now) for bucket in buckets]
            allowed = all(
                bucket.rate.gives(ahead_us) for bucket, ahead_us in zip(buckets, ahead, strict=True)
            )
            if allowed:
                for index, bucket in enumerate(buckets):
                    ahead[index] += bucket.rate.interval_us
                    self._tats[bucket.name] = now + ahead[index]
                if once:
                    self._marks[hash(once)] = now + ONCE_S * SECOND_US
        return Decision.of(allowed, buckets, ahead)

    def _prune(self, now: int) -> None:
        self._prune_at = now + PRUNE_US
        self._tats = {key: tat for key, tat in self._tats.items() if tat > now}
        self._marks = {key: until for key, until in self._marks.items() if until > now}


# KEYS: the n buckets, then the n others and the mark if the request can be a repeated one. ARGV: n, the lifetime
# of a mark (s), then interval and full bucket (us) in the order of KEYS. Whole numbers below 2^53 are exact in Lua.
LUA = """
local n = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local mark = KEYS[2 * n + 1]
local used = 0
if mark and redis.call('EXISTS', mark) == 1 then
  used, mark = n, nil
end
local allowed, ahead = 1, {}
for i = 1, n do
  local interval, full = ARGV[2 * (used + i) + 1], tonumber(ARGV[2 * (used + i) + 2])
  local tat = tonumber(redis.call('GET', KEYS[used + i]) or 0)
  ahead[i] = math.min(math.max(tat - now, 0), full)
  if ahead[i] + interval > full then allowed = 0 end
end
if allowed == 1 then
  for i = 1, n do
    ahead[i] = ahead[i] + ARGV[2 * (used + i) + 1]
    local tat, lifetime_ms = string.format('%.0f', now + ahead[i]), math.floor(ahead[i] / 1000) + 2
    redis.call('SET', KEYS[used + i], tat, 'PX', lifetime_ms)
  end
  if mark then redis.call('SET', mark, '1', 'EX', ARGV[2]) end
end
return {used, allowed, unpack(ahead)}
"""
LUA_SHA = hashlib.sha1(LUA.encode(), usedforsecurity=False).hexdigest()


class RedisLimiter:
    """For many processes. While Redis is away `fallback` decides, and Redis is left alone for a while."""

    def __init__(self, url: str, fallback: ProcessLimiter | None = None) -> None:
        self._pool = redis.ConnectionPool.from_url(url, socket_timeout=1, socket_connect_timeout=1)
        self._idle: collections.deque[ConnectionInterface] = collections.deque()
        self._fallback = fallback or ProcessLimiter()
        self._lock = threading.Lock()
        self._away_until = 0.0  # 0: Redis answers

    def take(self, ask: Ask, *, refuse_uncounted: bool = False) -> Decision:
        if not self._away_until or self._tries_again():
            try:
                decision = self._take(ask)
            except redis.RedisError as error:
                self._away_until = time.monotonic() + REDIS_PAUSE_S
                logger.warning("Redis is away, limits are counted per process for now: %s", error)
            else:
                self._away_until = 0.0
                return decision
        if refuse_uncounted:
            raise Unavailable(retry_after=math.ceil(REDIS_PAUSE_S))
        return self._fallback.take(ask)

    def _tries_again(self) -> bool:
        """After each pause one request goes ahead; the others do not wait for what it finds."""
        with self._lock:
            now = time.monotonic()
            if now < self._away_until:
                return False
            self._away_until = now + REDIS_PAUSE_S
            return True

    def _take(self, ask: Ask) -> Decision:
        buckets, keys = ask.buckets, []
        if ask.once:
            buckets, keys = (*ask.buckets, *ask.otherwise), [f"once:{ask.once}"]
        keys = [f"limit:{bucket.name}" for bucket in buckets] + keys
        arguments = [len(ask.buckets), ONCE_S]
        for bucket in buckets:
            arguments += (bucket.rate.interval_us, bucket.rate.full_us)
        used, allowed, *ahead_us = self._run(len(keys), *keys, *arguments)
        return Decision.of(bool(allowed), ask.otherwise if used else ask.buckets, ahead_us)

    def _run(self, *arguments: str | int) -> list[int]:
        """The script's answer, by a connection of our own: the client's bookkeeping costs as much as the call."""
        try:
            connection, is_new = self._idle.pop(), False
        except IndexError:
            connection, is_new = self._pool.make_connection(), True
        try:
            try:
                return _call(connection, "EVALSHA", LUA_SHA, *arguments)
            except NoScriptError:
                return _call(connection, "EVAL", LUA, *arguments)
            except redis.ConnectionError:
                if is_new:
                    raise
                # Redis closed it while it was idle, or started anew: it is opened again.
                return _call(connection, "EVAL", LUA, *arguments)
        finally:
            self._idle.append(connection)


def _call(connection: ConnectionInterface, *command: str | int) -> list[int]:
    connection.send_command(*command)  # type: ignore[no-untyped-call]  # redis has no types for it
    answer: list[int] = connection.read_response()
    return answer


_limiter: Limiter | None = None


def limiter() -> Limiter:
    """This process's limiter, made at first use."""
    global _limiter  # noqa: PLW0603 - one per process is the point
    if _limiter is None:
        _limiter = RedisLimiter(settings.REDIS_URL) if settings.REDIS_URL else ProcessLimiter()
    return _limiter
