"""A street to fetch from: servers on this machine that remember who came, and the door that leads there."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Self, TypeVar

from tests.upstreams.http1 import Asked, Reply, read_request, write_reply
from webhooks.outbound import Door, Origin
from webhooks.resolving import Resolve, system_resolver

T = TypeVar("T")
Answer = Callable[[Asked], Reply | bytes]


class House:
    """A server at 127.0.0.1 and ::1. `asked`: what it heard. Answers that are bytes are all that it says."""

    def __init__(self, street: "Street", answer: Answer, tls: ssl.SSLContext | None) -> None:
        self.asked: list[Asked] = []
        self._street = street
        self._answer = answer
        self._connections = self._knocks = 0
        self._tls = tls

    async def open(self) -> None:
        first = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = first.sockets[0].getsockname()[1]
        self._servers = [first, await asyncio.start_server(self._serve, "::1", self.port, ssl=self._tls)]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def origin(self) -> Origin:
        return ("https" if self._tls else "http", "127.0.0.1", self.port)

    def visitors(self) -> int:
        """How many have connected so far, but for those who look: each queue is taken up in its order."""

        async def knock() -> int:
            for host in ("127.0.0.1", "::1"):
                self._knocks += 1
                known = self._connections
                _, writer = await asyncio.open_connection(host, self.port)
                writer.close()
                while self._connections == known:
                    await asyncio.sleep(0.001)
            return self._connections - self._knocks

        return self._street.run(knock())

    async def close(self) -> None:
        for server in self._servers:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            while (asked := await read_request(reader)) is not None:
                self.asked.append(asked)
                reply = self._answer(asked)
                if isinstance(reply, bytes):
                    writer.write(reply)
                    await writer.drain()
                    break
                if not await write_reply(reader, writer, reply):
                    break
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()


class Street:
    """Its servers and doors move only while something is fetched."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._houses: list[House] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for house in self._houses:
            self.run(house.close())
        self._runner.close()

    def run(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return self._runner.run(awaited())

    def house(self, answer: Answer | Reply | bytes, tls: ssl.SSLContext | None = None) -> House:
        house = House(self, answer if callable(answer) else lambda _asked: answer, tls)
        self.run(house.open())
        self._houses.append(house)
        return house

    def fetch(
        self,
        url: str,
        *,
        max_bytes: int = 1_000_000,
        total_s: float = 20.0,
        trusted: Origin | None = None,
        resolve: Resolve = system_resolver,
        verify: ssl.SSLContext | None = None,
    ) -> bytes:
        async def fetched() -> bytes:
            door = Door(resolve=resolve, verify=verify or UNTRUSTING)
            return await door.fetch(url, max_bytes=max_bytes, total_s=total_s, trusted_origin=trusted)

        return self.run(fetched())


# To read all of the system's certificates takes longer than most tests.
UNTRUSTING = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
