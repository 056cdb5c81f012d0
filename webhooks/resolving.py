"""Looks names up, each in a thread of its own: the system answers when it likes, and cannot be told to stop.

Name servers that say nothing hold a thread for half a minute. So of all threads each share (an organization, else a
name) has a few, and who gets none in time hears that we were busy, which says nothing about their name.
"""

import asyncio
import socket
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

THREADS = 64
OF_ONE_SHARE = 4
TURN_S = 3.0  # how long somebody waits for a thread

# What a name and a port stand for, as texts of IP addresses; may block, and raises OSError.
Resolve = Callable[[str, int], Sequence[str]]


class Busy(Exception):
    """Nobody was asked."""


def system_resolver(host: str, port: int) -> list[str]:
    """What the system would connect to, and so also for `2130706433` and `127.1`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    resolve: Resolve
    host: str
    port: int
    share: str
    begun: "Future[None]" = field(default_factory=Future)
    found: "Future[Sequence[str]]" = field(default_factory=Future)


class Resolvers:
    """For any thread, and any event loop. A thread that nobody waits for any more keeps its place until it returns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[_Question]] = {}
        self._at_work: Counter[str] = Counter()

    async def look_up(
        self, resolve: Resolve, host: str, port: int, *, share: str, total_s: float
    ) -> Sequence[str]:
        """Raises Busy, TimeoutError when there is no answer within `total_s`, and what `resolve` raises."""
        question = self._ask(_Question(resolve, host, port, share))
        try:
            async with asyncio.timeout(TURN_S):
                await asyncio.wrap_future(question.begun)
        except TimeoutError:
            raise Busy from None
        async with asyncio.timeout(total_s):
            return await asyncio.wrap_future(question.found)

    def look_up_here(
        self, resolve: Resolve, host: str, port: int, *, share: str, total_s: float
    ) -> Sequence[str]:
        """The same, in this thread."""
        question = self._ask(_Question(resolve, host, port, share))
        try:
            question.begun.result(TURN_S)
        except TimeoutError:
            if question.begun.cancel():
                raise Busy from None
        return question.found.result(total_s)

    def _ask(self, question: _Question) -> _Question:
        with self._lock:
            self._waiting.setdefault(question.share, deque()).append(question)
            self._begin()
        return question

    def _begin(self) -> None:
        """As many as may be; under the lock."""
        for share, queue in list(self._waiting.items()):
            while queue and self._at_work[share] < OF_ONE_SHARE and self._at_work.total() < THREADS:
                question = queue.popleft()
                if not question.begun.set_running_or_notify_cancel():
                    continue  # it was given up meanwhile
                thread = threading.Thread(
                    target=self._answer, args=(question,), name="resolving", daemon=True
                )
                try:
                    thread.start()
                except RuntimeError:  # the system has none to give
                    question.begun.set_exception(Busy())
                    continue
                self._at_work[share] += 1
                question.begun.set_result(None)
            if not queue:
                del self._waiting[share]

    def _answer(self, question: _Question) -> None:
        is_awaited = question.found.set_running_or_notify_cancel()
        found: Sequence[str] = ()
        failure: Exception | None = None
        try:
            found = question.resolve(question.host, question.port)
        except Exception as error:  # noqa: BLE001 - whoever waits for it gets it
            failure = error
        with self._lock:
            self._at_work[question.share] -= 1
            self._at_work += Counter()  # without those that have none
            self._begin()
        if not is_awaited:
            return
        if failure is not None:
            question.found.set_exception(failure)
        else:
            question.found.set_result(found)
