"""A stand-in for GitHub, as far as signing in with it goes: `with running() as github`."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

from tests.upstreams.http1 import Asked, Reply, read_request, write_reply


class Github:
    """`person` is who signs in there; `emails` what it says of their addresses."""

    def __init__(self) -> None:
        self.port = 0
        self.person: dict[str, Any] = {"id": 7, "login": "dora", "name": "Dora <b>Dock</b>", "email": None}
        self.emails: Any = [
            {"email": "other@harbour.example", "primary": False, "verified": True},
            {"email": "dora@harbour.example", "primary": True, "verified": True},
        ]
        self.exchanged: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await read_request(reader):
            if not await write_reply(reader, writer, self._answer(asked)):
                break
        writer.close()

    def _answer(self, asked: Asked) -> Reply:
        match asked.path:
            case "/login/oauth/access_token":
                self.exchanged.append(dict(parse_qsl(asked.body.decode())))
                if self.exchanged[-1].get("code") != "right":
                    return Reply(200, {"error": "bad_verification_code"})
                return Reply(200, {"access_token": "gho_1", "token_type": "bearer", "scope": "user:email"})
            case "/user":
                return Reply(200, self.person)
            case "/user/emails":
                return Reply(200, self.emails)
        return Reply(404, {})


@contextmanager
def running() -> Iterator[Github]:
    github, loop = Github(), asyncio.new_event_loop()

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(github.serve, "127.0.0.1", 0)

    server = loop.run_until_complete(listen())
    github.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield github
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
