"""Request-rate limits: the generic cell rate algorithm, one atomic step a request.

A bucket is one number, the theoretical arrival time (TAT) of the next request at the steady rate. A request
is let in while the TAT is at most `burst` intervals ahead of now. On Redis that is one Lua call with Redis'
own clock; without Redis, or while it is away, a dictionary in this process with a monotonic clock.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, cast

import redis
from django.conf import settings

from accounts.errors import Unavailable

logger = logging.getLogger(__name__)

REDIS_PAUSE_S = 10.0  # how long a failed Redis is left alone
ONCE_S = 86_400  # as long as an idempotency record lives


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` requests at once, refilled at `per_minute`."""

    name: str
    per_minute: int
    burst: int

    @property
    def interval_s(self) -> float:
        return 60 / self.per_minute


@dataclass(frozen=True, slots=True)
class Decision:
    """`possible`: requests that would pass now; `next_s`: seconds until one more would (0 when full)."""

    rate: Rate
    allowed: bool
    possible: int
    next_s: float

    @property
    def policy_header(self) -> str:
        refill_s = math.ceil(self.rate.burst * self.rate.interval_s)
        return f'"{self.rate.name}";q={self.rate.burst};w={refill_s}'

    @property
    def state_header(self) -> str:
        return f'"{self.rate.name}";r={self.possible};t={self.reset_s}'

    @property
    def reset_s(self) -> int:
        """As RateLimit states it: whole seconds until one more would pass."""
        return math.ceil(self.next_s)

    @property
    def retry_after_s(self) -> int:
        return max(1, self.reset_s)


def decide(rate: Rate, tat: float, now: float) -> tuple[Decision, float]:
    """One step of the algorithm: the decision and the new TAT. Times in seconds of one clock."""
    interval = rate.interval_s
    horizon = rate.burst * interval
    tat = max(tat, now)
    allowed = tat + interval - now <= horizon + 1e-9
    if allowed:
        tat += interval
    room = horizon - (tat - now)
    possible = max(0, math.floor(room / interval + 1e-9))
    next_s = 0.0 if possible >= rate.burst else (possible + 1) * interval - room
    return Decision(rate, allowed, possible, next_s), tat


class Limiter(Protocol):
    def take(
        self,
        subject: str,
        rate: Rate,
        *,
        otherwise: Rate | None = None,
        once: str = "",
        refuse_uncounted: bool = False,
    ) -> Decision:
        """Takes one from `subject`'s bucket of `rate`.

        With `once`, a mark that was set by an earlier allowed take within 24 h, this take counts against the
        bucket `otherwise` instead: a repeated idempotency key creates nothing and is limited as a reading.
        With `refuse_uncounted`, raises Unavailable where processes count together but cannot at the moment:
        guesses of a password must not multiply by the number of processes.
        """
        ...


class ProcessLimiter:
    """For one process: embedded mode, and whenever Redis is away."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tats: dict[str, float] = {}
        self._marks: dict[int, float] = {}  # by hash: a day of them stays small
        self._prune_at = 0.0

    def take(
        self,
        subject: str,
        rate: Rate,
        *,
        otherwise: Rate | None = None,
        once: str = "",
        refuse_uncounted: bool = False,
    ) -> Decision:
        with self._lock:
            now = self._clock()
            self._prune(now)
            if once and otherwise and self._marks.get(hash(once), 0.0) > now:
                rate, once = otherwise, ""
            bucket = f"{rate.name}:{subject}"
            decision, self._tats[bucket] = decide(rate, self._tats.get(bucket, 0.0), now)
            if once and decision.allowed:
                self._marks[hash(once)] = now + ONCE_S
            return decision

    def _prune(self, now: float) -> None:
        if now < self._prune_at:
            return
        self._prune_at = now + 60
        self._tats = {key: tat for key, tat in self._tats.items() if tat > now}
        self._marks = {key: until for key, until in self._marks.items() if until > now}


# KEYS: bucket, other bucket, mark. ARGV: interval and burst of each bucket (seconds), lifetime of the mark.
# Redis counts in microseconds here, since Lua numbers are doubles and its clock gives both parts.
LUA = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local used, bucket = 1, KEYS[1]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
if KEYS[3] ~= '' and redis.call('EXISTS', KEYS[3]) == 1 then
  used, bucket = 2, KEYS[2]
  interval, burst = tonumber(ARGV[3]), tonumber(ARGV[4])
end
local tat = tonumber(redis.call('GET', bucket) or '0')
if tat < now then tat = now end
local allowed = 0
if tat + interval - now <= burst * interval + 1 then
  allowed = 1
  tat = tat + interval
  redis.call('SET', bucket, string.format('%.0f', tat), 'PX', math.ceil((tat - now) / 1000) + 1000)
  if used == 1 and KEYS[3] ~= '' then redis.call('SET', KEYS[3], '1', 'EX', ARGV[5]) end
end
return {used, allowed, string.format('%.0f', tat - now)}
"""


class RedisLimiter:
    """For many processes. While Redis is away `fallback` decides, and Redis is left alone for a while."""

    def __init__(self, url: str, fallback: ProcessLimiter | None = None) -> None:
        self._client = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
        self._script = self._client.register_script(LUA)
        self._fallback = fallback or ProcessLimiter()
        self._away_until = 0.0

    def take(
        self,
        subject: str,
        rate: Rate,
        *,
        otherwise: Rate | None = None,
        once: str = "",
        refuse_uncounted: bool = False,
    ) -> Decision:
        if time.monotonic() >= self._away_until:
            try:
                return self._take(subject, rate, otherwise, once)
            except redis.RedisError as error:
                self._away_until = time.monotonic() + REDIS_PAUSE_S
                logger.warning("Redis is away, limits are counted per process for now: %s", error)
        if refuse_uncounted:
            raise Unavailable(retry_after=math.ceil(REDIS_PAUSE_S))
        return self._fallback.take(subject, rate, otherwise=otherwise, once=once)

    def _take(self, subject: str, rate: Rate, otherwise: Rate | None, once: str) -> Decision:
        other = otherwise or rate
        names = [f"limit:{rate.name}:{subject}", f"limit:{other.name}:{subject}"]
        answer = self._script(
            keys=[*names, f"once:{once}" if once and otherwise else ""],
            args=[rate.interval_s * 1e6, rate.burst, other.interval_s * 1e6, other.burst, ONCE_S],
        )
        used, allowed, ahead_us = cast(list[Any], answer)
        chosen = rate if used == 1 else other
        ahead_s = int(ahead_us) / 1e6
        room = chosen.burst * chosen.interval_s - ahead_s
        possible = max(0, math.floor(room / chosen.interval_s + 1e-6))
        next_s = 0.0 if possible >= chosen.burst else (possible + 1) * chosen.interval_s - room
        return Decision(chosen, bool(allowed), possible, next_s)


_limiter: Limiter | None = None


def limiter() -> Limiter:
    """This process's limiter, made at first use."""
    global _limiter  # noqa: PLW0603 - one per process is the point
    if _limiter is None:
        _limiter = RedisLimiter(settings.REDIS_URL) if settings.REDIS_URL else ProcessLimiter()
    return _limiter


def create_rate(per_minute: int | None = None, burst: int | None = None) -> Rate:
    return Rate("create", per_minute or settings.RATE_LIMIT_PER_MINUTE, burst or settings.RATE_LIMIT_BURST)


def read_rate() -> Rate:
    return Rate("read", settings.RATE_LIMIT_READ_PER_MINUTE, settings.RATE_LIMIT_READ_BURST)
