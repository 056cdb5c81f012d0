"""`python -m tests.upstreams.server FORMAT PORT`: see the package.

Beside what the format has: `GET /log` every request so far, `GET /sent` the webhooks, `GET /results/…` the images.
`POST /behave` with `{"status":401,"body":{…},"for":N}` makes the next N requests of the format (all, when it is null)
get this answer, `{"manner":"drop"}` an end of the connection, `{"manner":"wait"}` none until it is told otherwise; what
it does after those N stands in `then`. With `{}` it is itself again. `POST /unstick` gets ready what was `stuck`.
"""

import asyncio
import importlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.upstreams.http1 import Asked, Reply, read_request, write_reply
from tests.upstreams.tasks import Format


class Server:
    def __init__(self, form: Format) -> None:
        self._form = form
        self._log: list[dict[str, Any]] = []
        self._behave: dict[str, Any] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while asked := await read_request(reader):
                if not await write_reply(reader, writer, await self._answer(asked)):
                    break
        except ConnectionError:
            pass  # the client is gone
        finally:
            writer.close()

    async def _answer(self, asked: Asked) -> Reply:
        match asked.path:
            case "/log":
                return Reply(200, self._log)
            case "/sent":
                return Reply(200, self._form.sent)
            case "/behave":
                self._behave = json.loads(asked.body)
                return Reply(200, {})
            case "/unstick":
                for task in self._form.tasks.values():
                    task.words.pop("stuck", None)
                return Reply(200, {})
        self._log.append(
            {
                "method": asked.method,
                "path": asked.target,
                "headers": asked.headers,
                "body": asked.json() if asked.body else None,
            }
        )
        if asked.path.startswith("/results/"):
            return self._form.image(asked)
        while self._behave.get("manner") == "wait":
            await asyncio.sleep(0.01)
        return self._misbehaved() or await self._form.answer(asked)

    def _misbehaved(self) -> Reply | None:
        told = self._behave
        if not told:
            return None
        if told.get("for") is not None:
            told["for"] -= 1
            if told["for"] < 0:
                self._behave = told.get("then", {})
                return self._misbehaved()
        manner = told.get("manner", "")
        return Reply(told.get("status", 200), told.get("body", {}), told.get("headers", {}), manner)


@asynccontextmanager
async def serving(form: Format, port: int = 0) -> AsyncIterator[str]:
    """The stand-in's address, in this process's own event loop."""
    server = await asyncio.start_server(Server(form).serve, "127.0.0.1", port, backlog=2048)
    form.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield form.origin


def format_named(name: str) -> Format:
    form: Format = importlib.import_module(f"tests.upstreams.formats.{name}").FORMAT()
    return form


async def main(name: str, port: int) -> None:
    async with serving(format_named(name), port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
