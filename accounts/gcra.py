"""The generic cell rate algorithm as arithmetic, in whole microseconds: nothing is rounded, so numbers are exact.

A bucket is one number, the theoretical arrival time (TAT) of its next request at the steady rate. It gives one
more while the TAT is less than `burst` intervals ahead of now. A request may ask several buckets: all give, or none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

MINUTE_US = 60_000_000
SECOND_US = 1_000_000

Source = Literal["key", "organization"]


@dataclass(frozen=True)
class Rate:
    """`burst` requests at once, refilled at `per_minute`; `name` is the bucket's in RateLimit.

    `minutes`: in how many of them `per_minute` are refilled, for what may happen a few times an hour.
    """

    name: str
    per_minute: int
    burst: int
    minutes: int = 1

    @cached_property
    def interval_us(self) -> int:
        """Between two requests at the steady rate. Rounded down: never slower than was promised."""
        return max(1, self.minutes * MINUTE_US // self.per_minute)

    @cached_property
    def full_us(self) -> int:
        """How far the TAT may be ahead."""
        return self.burst * self.interval_us

    def ahead_us(self, tat_us: int, now_us: int) -> int:
        """Never more than a full bucket: neither a clock that was set back nor a limit that was lowered locks it."""
        return min(max(tat_us - now_us, 0), self.full_us)

    def gives(self, ahead_us: int) -> bool:
        return ahead_us + self.interval_us <= self.full_us


@dataclass(frozen=True, slots=True)
class Bucket:
    """The requests of `subject` at `rate`; `source` is whose limit it is."""

    subject: str
    rate: Rate
    source: Source = "key"

    @property
    def name(self) -> str:
        return f"{self.rate.name}:{self.subject}"


@dataclass(frozen=True, slots=True)
class Ask:
    """What one request takes one from: each of `buckets`, in one step.

    With `once`, a mark that was set by an earlier allowed take within 24 h, it takes from `otherwise` instead: a
    repeated idempotency key creates nothing and is limited as a reading.
    """

    buckets: Sequence[Bucket]
    otherwise: Sequence[Bucket] = ()
    once: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """`possible`: requests that would pass now; `next_us`: until one more would, 0 when full.

    `bucket` is the tightest of those that were asked, so that all numbers speak of one.
    """

    allowed: bool
    bucket: Bucket
    possible: int
    next_us: int

    @classmethod
    def of(cls, allowed: bool, buckets: Sequence[Bucket], ahead_us: Sequence[int]) -> Self:
        """`ahead_us`: of each bucket, after the take. Tightest: fewest possible, else longest to wait, else first."""
        tightest: Self | None = None
        for bucket, ahead in zip(buckets, ahead_us, strict=True):
            interval_us = bucket.rate.interval_us
            room_us = bucket.rate.full_us - ahead
            possible = room_us // interval_us
            next_us = (possible + 1) * interval_us - room_us if ahead else 0
            if tightest is None or (possible, -next_us) < (tightest.possible, -tightest.next_us):
                tightest = cls(allowed, bucket, possible, next_us)
        if tightest is None:
            raise ValueError("An ask names at least one bucket.")
        return tightest

    @property
    def rate(self) -> Rate:
        return self.bucket.rate

    @property
    def policy_header(self) -> str:
        refill_s = -(-60 * self.rate.minutes * self.rate.burst // self.rate.per_minute)
        return f'"{self.rate.name}";q={self.rate.burst};w={refill_s}'

    @property
    def state_header(self) -> str:
        return f'"{self.rate.name}";r={self.possible};t={self.reset_s}'

    @property
    def reset_s(self) -> int:
        """As RateLimit states it: whole seconds until one more would pass."""
        return -(-self.next_us // SECOND_US)

    @property
    def retry_after_s(self) -> int:
        return max(1, self.reset_s)
