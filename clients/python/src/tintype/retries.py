"""Whether a failed request is sent again, and when: a pure function of what came back."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

NOTHING_WAS_DONE = frozenset({408, 429})
MAYBE_DONE = frozenset({500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `attempts` requests for one call, none begun later than `total_s` seconds after the first.

    Between two of them as long as `Retry-After` says, and up to a quarter of it (at most 1 s) longer, so that all who
    were sent away do not come back at once. Without it from half to all of `first_s`, doubled each time up to
    `longest_s`.
    """

    attempts: int = 5
    total_s: float = 60.0
    first_s: float = 0.5
    longest_s: float = 8.0

    def pause_s(self, made: int, elapsed_s: float, retry_after_s: float | None, draw: float) -> float | None:
        """Seconds to wait before the next request, None for no more. `made`: requests so far. `draw`: 0 to 1."""
        if made >= self.attempts:
            return None
        if retry_after_s is None:
            full = min(self.longest_s, self.first_s * 2 ** (made - 1))
            pause = full * (1 + draw) / 2
        else:
            pause = retry_after_s + min(1.0, retry_after_s / 4) * draw
        return pause if elapsed_s + pause <= self.total_s else None


NO_RETRIES = Retries(attempts=1)


def may_repeat(status: int, word: str, *, is_repeatable: bool) -> bool:
    """`is_repeatable`: whether a second sending does no harm although the first was carried out."""
    if status in NOTHING_WAS_DONE or word == "idempotency_in_flight":
        return True
    return is_repeatable and status in MAYBE_DONE


def retry_after_s(headers: Mapping[str, str], now: datetime.datetime) -> float | None:
    """What `Retry-After` says, as seconds or as a date; None without a usable one."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=datetime.UTC)
    return max(0.0, (at - now).total_seconds())
