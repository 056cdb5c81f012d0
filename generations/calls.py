"""Carries every call of this process to upstreams on one thread: hundreds at once need an event loop, not hundreds of
threads. What touches the database or an image's pixels goes to a few threads beside it.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar

from accounts.connections import let_go
from generations.providers.http import Line
from webhooks.outbound import Door

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# They share the worker's few connections with the threads that hear the rings.
THREADS = 4
LOOK_EVERY_S = 0.05


class Calls:
    """`line` leads to upstreams, `door` to the addresses that they chose. Only coroutines started here may use them."""

    line: Line
    door: Door

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="settling")
        self._tasks: set[asyncio.Task[None]] = set()
        self._idlers: set[asyncio.Task[None]] = set()
        self._coming: deque[None] = deque()  # started, and not among the others yet
        self._in_threads = 0
        self._open = threading.Event()
        # Of opening the ways, such as a wrong proxy or missing certificates.
        self.failure: Exception | None = None
        self.thread = threading.Thread(target=self._run, name="calls", daemon=True)
        self.thread.start()
        self._open.wait()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._open_ways())
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            self.failure = error
            self._loop.close()
            return
        finally:
            self._open.set()
        self._loop.run_forever()

    async def _open_ways(self) -> None:
        ways = AsyncExitStack()  # left open: they end with the process
        self.line = await ways.enter_async_context(Line())
        self.door = Door()

    def start(self, call: Coroutine[Any, Any, None], *, idle: bool = False) -> None:
        """From any thread. `idle`: it only waits for its time, so a process that leaves does not wait for it."""
        self._coming.append(None)
        self._loop.call_soon_threadsafe(self._spawn, call, self._idlers if idle else self._tasks)

    def _spawn(self, call: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> None:
        task = self._loop.create_task(call)
        among.add(task)
        self._coming.pop()
        task.add_done_callback(among.discard)
        task.add_done_callback(_log_failure)

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """For what blocks; its database connection is given back afterwards."""

        def work() -> T:
            try:
                return function(*args, **kwargs)
            finally:
                let_go()

        self._in_threads += 1
        try:
            # With what this is about (accounts/trail.py); tasks and coroutines have it by themselves.
            return await self._loop.run_in_executor(self._threads, copy_context().run, work)
        finally:
            self._in_threads -= 1

    def wait_for(self, call: Coroutine[Any, Any, T], total_s: float) -> T:
        """For a thread that needs its result. Raises TimeoutError, and what the call raises."""
        return asyncio.run_coroutine_threadsafe(call, self._loop).result(total_s)

    def drain(self) -> None:
        """Returns once every call has come to its end, also those that a thread is just about to start."""
        while self._in_threads or self._coming or self._tasks:  # in the order in which one becomes the next
            time.sleep(LOOK_EVERY_S)


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        # What it held is taken up again once its lease is over, or its next question is due.
        logger.error("A call broke off: %r", error, exc_info=error)


_lock = threading.Lock()
_calls: Calls | None = None


def here() -> Calls:
    """The one of this process, opened at the first call."""
    global _calls  # noqa: PLW0603 - one thread per process; a forked child needs its own
    with _lock:
        if _calls is None or not _calls.thread.is_alive():
            _calls = Calls()
        if _calls.failure is not None:
            raise RuntimeError("Calls to upstreams cannot be made here") from _calls.failure
        return _calls


def drain() -> None:
    if _calls is not None:
        _calls.drain()
