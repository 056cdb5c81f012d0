"""Requests that wait for their images: a thread each, no database connection, and one question for all of them.

While somebody waits, one thread of this process asks which of the awaited generations have ended, by their primary
keys; the longer the newest of them has been waited for, the more seldom.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from accounts.connections import let_go
from accounts.line import Line
from generations.errors import TooManyWaiting
from generations.models import Generation

logger = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 1.0
RETRY_S = (1, 2)
PAUSE_SHARE = 0.1  # of the time that the newest has been waited for


def ended(generation_ids: Collection[int]) -> set[int]:
    """Those of them that have ended."""
    # Judged here: no index on what has ended shall tempt a planner that is given primary keys.
    known = Generation.objects.filter(pk__in=generation_ids).values_list("pk", "finished_at")
    return {pk for pk, finished_at in known if finished_at is not None}


@dataclass(eq=False, slots=True)
class _Waiter:
    generation_id: int
    woken: threading.Event = field(default_factory=threading.Event)
    since: float = field(default_factory=time.monotonic)


class WaitingRoom:
    def __init__(self, look: Callable[[Collection[int]], set[int]] = ended) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._taken = 0
        self._waiters: set[_Waiter] = set()
        self._watched = False
        self._arrival = threading.Event()

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place to wait in, taken before anything is begun that will need one. Raises TooManyWaiting."""
        with self._lock:
            if self._taken >= settings.MAX_WAITING:
                raise TooManyWaiting(retry_after=random.randint(*RETRY_S))  # noqa: S311 - so that not all come at once
            self._taken += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken -= 1

    def wait(self, generation_id: int, line: Line, timeout_s: float) -> None:
        """Returns once it has ended, at the latest after `timeout_s`, or when whoever asked has left. Needs a place."""
        waiter = _Waiter(generation_id)
        line.watch(waiter.woken.set)
        let_go()
        self._enter(waiter)
        try:
            with line.waiting():
                waiter.woken.wait(timeout_s)
        finally:
            with self._lock:
                self._waiters.discard(waiter)

    def _enter(self, waiter: _Waiter) -> None:
        with self._lock:
            self._waiters.add(waiter)
            if not self._watched:
                threading.Thread(target=self._watch, name="waiting", daemon=True).start()
                self._watched = True
        self._arrival.set()

    def _watch(self) -> None:
        looked_at = time.monotonic()
        try:
            while (newest := self._newest()) is not None:
                now = time.monotonic()
                pause_s = min(max(FIRST_PAUSE_S, PAUSE_SHARE * (now - newest)), LONGEST_PAUSE_S)
                # Who comes meanwhile is looked for sooner, but no look is put off by it.
                if now < looked_at + pause_s:
                    self._arrival.wait(looked_at + pause_s - now)
                    self._arrival.clear()
                    continue
                self._wake()
                looked_at = time.monotonic()
        finally:
            connection.close()

    def _newest(self) -> float | None:
        """Since when the newest is waited for; None when nobody waits: then the next to come starts a new watch."""
        with self._lock:
            self._watched = bool(self._waiters)
            return max((waiter.since for waiter in self._waiters), default=None)

    def _wake(self) -> None:
        with self._lock:
            waiters = list(self._waiters)
        try:
            found = self._look({waiter.generation_id for waiter in waiters})
            let_go()
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits does so no longer than they would
            logger.warning("Awaited orders cannot be looked at: %r", error)
            connection.close()
            return
        for waiter in waiters:
            if waiter.generation_id in found:
                waiter.woken.set()


room = WaitingRoom()
