"""For what every request wants to know and need not know to the second: one look at the database serves all threads."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

LOOK_AGAIN_S = 1.0


class Glances(Generic[K, V]):
    """What `look` finds for a key, asked for at most once a second and process. What it raises is not kept."""

    def __init__(self, look: Callable[[K], V]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._seen: dict[K, tuple[float, V]] = {}

    def __call__(self, key: K) -> V:
        with self._lock:
            seen = self._seen.get(key)
            if seen is None or time.monotonic() - seen[0] >= LOOK_AGAIN_S:
                seen = self._seen[key] = time.monotonic(), self._look(key)
            return seen[1]

    def forget(self) -> None:
        """The next one looks anew."""
        self._seen.clear()
