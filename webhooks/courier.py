"""Sends what is due from this process: on one thread with an event loop, so that receivers that take their time hold up
neither the worker nor each other. What touches the database goes to a few threads beside it.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from accounts.connections import let_go
from webhooks import errands, settling
from webhooks.carrying import carry
from webhooks.errands import Errand
from webhooks.outbound import Door
from webhooks.resolving import Resolve, system_resolver

T = TypeVar("T")

logger = logging.getLogger(__name__)

THREADS = 2


class Courier:
    """`wake()` from any thread; it goes on for as long as anything is due."""

    def __init__(self, *, resolve: Resolve = system_resolver) -> None:
        self._resolve = resolve
        self._loop = asyncio.new_event_loop()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="webhooks")
        self._errands: set[asyncio.Task[None]] = set()
        self._round: asyncio.Task[None] | None = None
        self._again = False
        self._leaving = False
        self._open = threading.Event()
        self._quiet = threading.Event()
        self._quiet.set()
        self.failure: Exception | None = None
        self.thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self.thread.start()
        self._open.wait()

    def wake(self) -> None:
        """There may be something to send. Returns at once."""
        self._loop.call_soon_threadsafe(self._wake)

    def leave(self) -> None:
        """Takes nothing more."""
        self._leaving = True

    def drain(self, timeout_s: float) -> bool:
        """Whether all that is on its way has come to its end by then."""
        return self._quiet.wait(timeout_s)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._door = Door(resolve=self._resolve)
        except Exception as error:  # noqa: BLE001 - such as missing certificates: who waits must hear of it
            self.failure = error
            return
        finally:
            self._open.set()
        self._loop.run_forever()

    # --- On the loop --------------------------------------------------------------------------------

    def _wake(self) -> None:
        if self._leaving:
            return
        if self._round is not None:
            self._again = True
            return
        self._quiet.clear()
        self._round = self._loop.create_task(self._take())
        self._round.add_done_callback(self._round_is_over)

    def _round_is_over(self, task: "asyncio.Task[None]") -> None:
        self._round = None
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("Webhooks could not be looked for; the sweep rings again: %r", error, exc_info=error)
        elif self._again:
            self._again = False
            self._wake()
        self._tell_if_quiet()

    async def _take(self) -> None:
        room = errands.most_at_once() - len(self._errands)
        if room <= 0:
            return  # each errand that ends looks again
        for errand in await self._in_thread(lambda: errands.take_due(room)):
            task = self._loop.create_task(self._send(errand))
            self._errands.add(task)
            task.add_done_callback(self._errand_is_done)

    def _errand_is_done(self, task: "asyncio.Task[None]") -> None:
        self._errands.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # It is tried again once its lease is over.
            logger.error("What became of a webhook could not be written down: %r", error, exc_info=error)
        self._wake()
        self._tell_if_quiet()

    def _tell_if_quiet(self) -> None:
        if not self._errands and self._round is None:
            self._quiet.set()

    async def _send(self, errand: Errand) -> None:
        outcome = await carry(self._door, errand)
        await self._in_thread(lambda: settling.settle(errand, outcome))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        def done() -> T:
            try:
                return work()
            finally:
                let_go()

        return await self._loop.run_in_executor(self._threads, done)


_lock = threading.Lock()
_courier: Courier | None = None


def here() -> Courier:
    """The one of this process, made at the first call."""
    global _courier  # noqa: PLW0603 - one thread per process; a forked child needs its own
    with _lock:
        if _courier is None or not _courier.thread.is_alive():
            _courier = Courier()
        if _courier.failure is not None:
            raise RuntimeError("Webhooks cannot be sent from here") from _courier.failure
        return _courier


def leave() -> None:
    """For a worker that is asked to stop."""
    if _courier is not None:
        _courier.leave()


def drain(timeout_s: float) -> None:
    if _courier is not None and not _courier.drain(timeout_s):
        logger.warning("Left before all webhooks had their answer; they are tried again")
