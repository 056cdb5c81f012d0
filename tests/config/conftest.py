"""One served site for all tests of the server."""

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.processes import free_port, granian


@dataclass(frozen=True, slots=True)
class Answer:
    """`closed`: the server ended the connection by itself."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    closed: bool

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """Raw requests to the served site: each on a connection of its own."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log = log

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, request: bytes, *, half_close: bool = False) -> Answer:
        """Sends these bytes, and the end of the stream if `half_close`; reads one answer."""
        with self.connect() as connection:
            connection.sendall(request)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return read_answer(connection, head=request.startswith(b"HEAD"))

    def get(self, target: str, *headers: str, method: str = "GET") -> Answer:
        lines = [f"{method} {target} HTTP/1.1", "Host: shop.example", *headers, "", ""]
        return self.ask("\r\n".join(lines).encode())

    def post(self, target: str, body: bytes, *headers: str, half_close: bool = False) -> Answer:
        return self.ask(request_head(target, *headers) + body, half_close=half_close)


def request_head(target: str, *headers: str) -> bytes:
    return "\r\n".join([f"POST {target} HTTP/1.1", "Host: shop.example", *headers, "", ""]).encode()


def read_answer(connection: socket.socket, *, head: bool = False) -> Answer:
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        if status == 100:
            stream.readline()
            status = int(stream.readline().split()[1])
        headers = []
        while line := stream.readline().strip():
            name, _, value = line.decode().partition(":")
            headers.append((name.lower(), value.strip()))
        named = dict(headers)
        body = b""
        if named.get("transfer-encoding") == "chunked":
            while size := int(re.match(rb"[0-9a-f]+", stream.readline())[0], 16):  # type: ignore[index]
                body += stream.read(size)
                stream.readline()
            stream.readline()
        elif not head:
            body = stream.read(int(named.get("content-length", 0)))
        connection.settimeout(0.2)
        try:
            closed = stream.read(1) == b""
        except (TimeoutError, ConnectionError) as error:
            closed = isinstance(error, ConnectionError)
        return Answer(status, headers, body, closed)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    port = free_port()
    log = tmp_path_factory.mktemp("site") / "log"
    with granian(port, "tests.config.server_site", log, {}):
        yield Site(port, log)
