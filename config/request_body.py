"""Reads a request's body on the event loop, bounded in size and time, before a thread is spent on it."""

import asyncio
from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Literal

from django.conf import settings

from config.programs import API_PREFIXES, SIGNED_PREFIXES

Problem = Literal["too_large", "timeout", "incomplete"]

# A client that is cut off while it still sends may lose the answer, so what is too much is read and
# thrown away, within reason.
DRAIN_BYTES = 32 * 1024 * 1024
DRAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Body:
    """`data` is empty when there is a problem; unless `read_to_end`, the connection cannot be used again."""

    data: bytes = b""
    problem: Problem | None = None
    read_to_end: bool = True


def limit_bytes(path: str) -> int:
    if path.startswith(SIGNED_PREFIXES):
        return int(settings.MAX_WEBHOOK_BYTES)
    if path.startswith(API_PREFIXES):
        return int(settings.MAX_API_BODY_BYTES)
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


async def read_body(chunks: AsyncIterable[bytes], length: int | None, limit: int) -> Body:
    """`length` is the stated Content-Length, None for a chunked body. Takes at most BODY_TIMEOUT_S."""
    reader = _Reader(chunks, limit)
    try:
        async with asyncio.timeout(settings.BODY_TIMEOUT_S):
            within_limit = (length is None or length <= limit) and await reader.keep()
    except TimeoutError:
        return Body(problem="timeout", read_to_end=False)
    if not within_limit:
        return Body(problem="too_large", read_to_end=await reader.drain(length))
    if reader.broken or (length is not None and length != reader.received):
        return Body(problem="incomplete", read_to_end=False)
    return Body(bytes(reader.kept))


class _Reader:
    def __init__(self, chunks: AsyncIterable[bytes], limit: int) -> None:
        self._chunks = aiter(chunks)
        self._limit = limit
        self._empty = 0
        self.received = 0
        self.kept = bytearray()

    @property
    def broken(self) -> bool:
        """Granian ends every body with an empty chunk, and turns an error within it into one more."""
        return self._empty > 1

    async def keep(self) -> bool:
        """Reads to the end; False as soon as it is more than the limit."""
        while (chunk := await self._next()) is not None:
            if self.received > self._limit:
                self.kept.clear()
                return False
            self.kept += chunk
        return True

    async def drain(self, length: int | None) -> bool:
        """True if the rest could be read to its end."""
        try:
            async with asyncio.timeout(min(DRAIN_S, settings.BODY_TIMEOUT_S)):
                while self.received <= DRAIN_BYTES:
                    if await self._next() is None:
                        return not self.broken and length in (None, self.received)
        except TimeoutError:
            pass
        return False

    async def _next(self) -> bytes | None:
        try:
            chunk: bytes = await anext(self._chunks)
        except StopAsyncIteration:
            return None
        self.received += len(chunk)
        self._empty += not chunk
        return chunk
