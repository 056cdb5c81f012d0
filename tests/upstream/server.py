"""`python -m tests.upstream.server PORT`: an upstream as a process of its own, which does what prompts say.

`POST /generate` with `{"prompt","width","height"}` and an Idempotency-Key answers with the bytes of an image, at
once unless the prompt holds a word below. `GET /calls` lists the keys of all orders, in the order they came.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable
from functools import cache
from io import BytesIO

from PIL import Image

STEERING = re.compile(r"upstream:(hang|die|busy|noise|late=[0-9.]+)")


class Upstream:
    def __init__(self) -> None:
        self._calls: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer_one(reader, writer):
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the worker is gone
        finally:
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """False when the connection shall end."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if head[0].startswith("GET /calls "):
            writer.write(_http(200, "application/json", json.dumps(self._calls).encode()))
            return True
        order = json.loads(body)
        self._calls.append(headers["idempotency-key"])
        found = STEERING.search(order["prompt"])
        word = found[1] if found else ""
        if word == "die":
            return False
        if word == "hang":
            await reader.read()  # until the worker gives up
            return False
        if word.startswith("late="):
            await asyncio.sleep(float(word.removeprefix("late=")))
        if word == "busy":
            writer.write(_http(503, "text/plain", b"busy"))
            return True
        draw: Callable[[int, int], bytes] = _noise if word == "noise" else picture
        writer.write(_http(200, "image/any", draw(order["width"], order["height"])))
        return True


def _http(status: int, content_type: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} -\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@cache
def picture(width: int, height: int) -> bytes:
    file = BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(file, "JPEG", quality=85)
    return file.getvalue()


@cache
def _noise(width: int, height: int) -> bytes:
    """As large as its pixels: for disks that are nearly full."""
    file = BytesIO()
    Image.frombytes("RGB", (width, height), os.urandom(3 * width * height)).save(
        file, "PNG", compress_level=0
    )
    return file.getvalue()


async def main(port: int) -> None:
    server = await asyncio.start_server(Upstream().serve, "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
