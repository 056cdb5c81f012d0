"""accounts/line.py on granian: one request's line to its client."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from granian.rsgi import HTTPProtocol  # type: ignore[attr-defined]  # exported by alias

from config.gate import Place

logger = logging.getLogger(__name__)


class ClientLine:
    """Used by the thread of its request. `place` is what that request holds; it belongs to `loop`."""

    def __init__(self, protocol: HTTPProtocol, loop: asyncio.AbstractEventLoop, place: Place) -> None:
        self._protocol = protocol
        self._loop = loop
        self._place = place
        self._watch: Future[None] | None = None
        self._is_cut = False
        self._on_cut: list[Callable[[], None]] = []
        self._when_sent: list[Callable[[], None]] = []

    def watch(self, on_cut: Callable[[], None] | None = None) -> None:
        if on_cut is not None:
            self._on_cut.append(on_cut)
        if self._watch is None:
            self._watch = asyncio.run_coroutine_threadsafe(self._notice_the_end(), self._loop)
        if self._is_cut and on_cut is not None:  # it may have come too late to be told
            on_cut()

    async def _notice_the_end(self) -> None:
        await self._protocol.client_disconnect()
        self._is_cut = True
        for on_cut in list(self._on_cut):
            on_cut()

    def is_cut(self) -> bool:
        return self._is_cut

    @contextmanager
    def waiting(self) -> Iterator[None]:
        self._loop.call_soon_threadsafe(self._place.give_back)
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(self._place.take(), self._loop).result()

    def when_sent(self, call: Callable[[], None]) -> None:
        self._when_sent.append(call)

    def note_sent(self) -> None:
        """The server has taken the answer. What is to be noted then is no reason to send another one."""
        for call in self._when_sent if not self._is_cut else []:
            try:
                call()
            except Exception:
                logger.exception("Could not note that an answer was sent")

    def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
