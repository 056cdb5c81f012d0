"""As much of HTTP/1.1 as a stand-in needs, with every way to answer badly."""

import asyncio
import json
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlsplit

DRIP_S = 0.05


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; `headers` have lower-case names."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def json(self) -> Any:
        """None when the body is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Reply:
    """`body` is sent as JSON unless it is bytes. `manner`: "" or how it goes wrong, see serve()."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    manner: str = ""


async def read_request(reader: asyncio.StreamReader) -> Asked | None:
    """None when the client is gone."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        return None
    return Asked(method, target, headers, body)


async def write_reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reply: Reply) -> bool:
    """Whether the connection goes on."""
    match reply.manner:
        case "hang":
            await reader.read()  # until the client gives up
            return False
        case "drop":
            return False
        case "drip":
            writer.write(_head(200, {"Content-Type": "application/json", "Content-Length": "1000000"}))
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(DRIP_S)
            return False
        case "endless":
            writer.write(_head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}))
            chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
            while not writer.is_closing():
                writer.write(chunk)
                await writer.drain()
            return False
        case _:
            plain = isinstance(reply.body, bytes)
            body: bytes = reply.body if plain else json.dumps(reply.body).encode()
            headers = {"Date": formatdate(usegmt=True), "Content-Length": str(len(body))}
            if not plain:
                headers["Content-Type"] = "application/json"
            writer.write(_head(reply.status, {**headers, **reply.headers}) + body)
            await writer.drain()
            return True


async def post(url: str, headers: dict[str, str], body: bytes, timeout_s: float = 10.0) -> int:
    """The status that the address on this machine answered with; 0 when it could not be reached."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    named = {"Host": parts.netloc, "Content-Type": "application/json", **headers}
    named |= {"Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
            try:
                writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
                await writer.drain()
                return int((await reader.readline()).split(b" ")[1])
            finally:
                writer.close()
    except (OSError, ValueError, IndexError, TimeoutError):
        return 0


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
