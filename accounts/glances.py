"""For what every request wants to know and need not know to the second: one look at the database serves all threads."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from django.db import Error as DatabaseError
from psycopg_pool import PoolTimeout

K = TypeVar("K")
V = TypeVar("V")

LOOK_AGAIN_S = 1.0
# What is read with others costs a small part of what is read alone.
ASKED_AGAIN_S: Final = 15.0
MOST_KEYS: Final = 5_000
MOST_CPU_S = 0.05


class Glances(Generic[K, V]):
    """What `look` finds for a key, asked for at most once a second and process. Who looks for one key keeps nobody from
    another. Those who wait while somebody looks are given what that one finds, however long it takes, or have raised to
    them what it raises, which is not kept: else each would look anew, in a line of which the last waits for all.
    """

    def __init__(self, look: Callable[[K], V]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._looking: dict[K, threading.Lock] = {}
        self._seen: dict[K, tuple[float, V]] = {}
        self._failed: dict[K, tuple[float, Exception]] = {}

    def __call__(self, key: K) -> V:
        came = time.monotonic()
        seen = self._seen.get(key)
        if seen is not None and came - seen[0] < LOOK_AGAIN_S:
            return seen[1]
        with self._lock:
            looking = self._looking.setdefault(key, threading.Lock())
        with looking:
            seen, failed = self._seen.get(key), self._failed.get(key)
            if seen is not None and time.monotonic() - seen[0] < LOOK_AGAIN_S:
                return seen[1]
            if failed is not None and failed[0] > came:
                raise failed[1]
            try:
                value = self._look(key)
            except Exception as error:
                self._failed[key] = time.monotonic(), error
                raise
            self._failed.pop(key, None)
            self._seen[key] = time.monotonic(), value
            return value

    def forget(self) -> None:
        """The next one looks anew."""
        self._seen.clear()


class Kept(Generic[V]):
    """One value for all threads, read at most once a second. `read` gets the one before.

    While a thread reads, the others go on with the one before; and all of them while the database is away. Waited for
    is only the first, and, as long as a second, one that comes after a silence: the one before may be hours old.
    """

    def __init__(self, read: Callable[[V | None], V]) -> None:
        self._read = read
        self._lock = threading.RLock()  # what is read may be made first, and whoever makes it may ask for it
        self._held: tuple[float, V] | None = None

    def __call__(self) -> V:
        held = self._held
        late_s = 0.0 if held is None else time.monotonic() - held[0] - LOOK_AGAIN_S
        if held is not None and late_s < 0:
            return held[1]
        patience_s = -1 if held is None else 0 if late_s < LOOK_AGAIN_S else LOOK_AGAIN_S
        if not self._lock.acquire(timeout=patience_s):
            return held[1]  # type: ignore[index]  # without one it is waited for
        try:
            held = self._held
            if held is None or time.monotonic() - held[0] >= LOOK_AGAIN_S:
                value = self._newer(held)
                held = self._held = time.monotonic(), value
            return held[1]
        finally:
            self._lock.release()

    def _newer(self, held: tuple[float, V] | None) -> V:
        try:
            return self._read(None if held is None else held[1])
        except (DatabaseError, PoolTimeout):
            if held is None:
                raise
            return held[1]

    def forget(self) -> None:
        """The next one reads anew."""
        self._held = None


@dataclass(frozen=True, slots=True)
class _Several(Generic[K, V]):
    """As they were at one moment. `asked`: when each key was asked for last, as time.monotonic() says it; those that
    were read together first. `most`: how many of them the next reading may be of.
    """

    values: dict[K, V]
    asked: dict[K, float]
    most: int


class Shared(Generic[K, V]):
    """As Kept, for many keys: `look` finds the values of all that were asked for within the last seconds, together and
    at most once a second. A key that nobody has asked for lately is looked for alone. One that has no value is a
    KeyError.

    Read together are at most MOST_KEYS, and no more than take about MOST_CPU_S of the processor; those that are stay
    as long as they are asked for, the others are looked for alone. What `look` says of keys that it was not given is
    nobody's.
    """

    def __init__(self, look: Callable[[Sequence[K]], Mapping[K, V]]) -> None:
        self._look = look
        self._kept: Kept[_Several[K, V]] = Kept(self._read)

    def __call__(self, key: K) -> V:
        held = self._kept()
        held.asked[key] = time.monotonic()
        try:
            return held.values[key]
        except KeyError:
            pass
        # Kept beside what was read before: whoever reads all meanwhile is later, and not overwritten.
        value = held.values[key] = self._look([key])[key]
        return value

    def _read(self, before: _Several[K, V] | None) -> _Several[K, V]:
        if before is None:
            return _Several({}, {}, MOST_KEYS)
        since, began = time.monotonic() - ASKED_AGAIN_S, time.thread_time()
        lately = [(key, at) for key, at in list(before.asked.items()) if at > since]
        asked = dict(lately[: before.most])
        found = self._look(list(asked)) if asked else {}
        took_s = time.thread_time() - began
        if took_s > MOST_CPU_S:
            most = max(1, int(len(asked) * MOST_CPU_S / took_s))
        else:
            most = min(MOST_KEYS, before.most * 5 // 4 + 1)
        return _Several({key: found[key] for key in asked if key in found}, asked, most)

    def forget(self) -> None:
        """The next one looks anew."""
        self._kept.forget()
