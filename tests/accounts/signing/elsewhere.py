"""Stand-ins for GitHub and Google, as far as signing in with them goes: `with running(Github) as github`."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

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
        try:
            while asked := await read_request(reader):
                if not await write_reply(reader, writer, self._answer(asked)):
                    break
        finally:
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


Server = TypeVar("Server", bound=Github)


class Google(Github):
    """`claims` is what its signed token says of who signs in there."""

    def __init__(self) -> None:
        super().__init__()
        self.claims = google_claims()
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def _answer(self, asked: Asked) -> Reply:
        if asked.path != "/token":
            return Reply(404, {})
        self.exchanged.append(dict(parse_qsl(asked.body.decode())))
        if self.exchanged[-1].get("code") != "right":
            return Reply(400, {"error": "invalid_grant"})
        now = int(time.time())
        claims = {"iat": now, "exp": now + 3600} | self.claims
        token = jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": "1"})
        return Reply(200, {"access_token": "ya29.1", "token_type": "Bearer", "id_token": token})


def google_claims() -> dict[str, Any]:
    return {
        "iss": "https://accounts.google.com",
        "aud": "id-2",
        "sub": "1234567890",
        "email": "dora@harbour.example",
        "email_verified": True,
        "name": "Dora <b>Dock</b>",
        "given_name": "Dora",
        "family_name": "<b>Dock</b>",
        "picture": "https://lh3.example/a",
    }


@contextmanager
def running(server_of: type[Server]) -> Iterator[Server]:
    github, loop = server_of(), asyncio.new_event_loop()

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
        open_ones = asyncio.all_tasks(loop)  # of clients that keep their connection
        for task in open_ones:
            task.cancel()
        if open_ones:
            loop.run_until_complete(asyncio.wait(open_ones))
        loop.close()
