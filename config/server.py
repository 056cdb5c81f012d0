"""Granian's RSGI in front, Django's WSGI handler behind.

Served as WSGI, a half-sent body holds a thread for as long as its sender likes, and a few of them hold
the shop. Here the event loop reads the bodies, and a thread is taken only for a request that is whole.
"""

import asyncio
import io
import logging
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from django.conf import settings
from granian.rsgi import HTTPProtocol, ProtocolClosed, Scope  # type: ignore[attr-defined]  # exported by alias

from accounts.hosts import clean_host
from accounts.line import ENVIRON_KEY
from config.client_line import ClientLine
from config.gate import Gate, Place
from config.parent_death import die_with
from config.programs import API_PREFIXES
from config.request_body import Body, limit_bytes, read_body
from config.wsgi import application

logger = logging.getLogger(__name__)

Environ = dict[str, Any]
Headers = list[tuple[str, str]]

FILE_BLOCK_BYTES = 256 * 1024
SEND_TIMEOUT_S = 30
# About one connection and not about the answer, so the server's business.
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}

_granian = multiprocessing.parent_process()
if _granian is not None and _granian.pid is not None:
    die_with(_granian.pid)  # a worker that outlived a killed granian would keep the port

# Who waits for an image holds a thread that does nothing. Those at work stay WEB_THREADS: more would only queue for
# the few database connections. A thread is made when it is first needed.
_gate = Gate(settings.WEB_THREADS, settings.API_THREADS)
_threads = ThreadPoolExecutor(settings.WEB_THREADS + settings.MAX_WAITING, thread_name_prefix="web")


class FileBlocks:
    """WSGI's file wrapper: Django hands files over in it, to be sent as a whole."""

    def __init__(self, file: IO[bytes], block_size: int = 0) -> None:
        self._file = file
        self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        while block := self._file.read(FILE_BLOCK_BYTES):
            yield block


# Stands for a value that is not ASCII: granian gives the name of such a header, but not its value. Read as
# absent, an Idempotency-Key would let a repeated order be charged twice; like this it is refused.
UNREADABLE = "\xff"


async def app(scope: Scope, protocol: HTTPProtocol) -> None:
    """RSGI's entry point, called on the event loop for every request."""
    headers = scope.headers.items()
    readable = {name for name, _ in headers}
    headers += [(name, UNREADABLE) for name in scope.headers.keys() if name not in readable]  # noqa: SIM118
    body = await _body_of(scope, protocol, headers)
    environ = make_environ(scope, headers, body)
    loop = asyncio.get_running_loop()
    place = Place(_gate, is_program=scope.path.startswith(API_PREFIXES))
    line = environ[ENVIRON_KEY] = ClientLine(protocol, loop, place)
    exchange = _Exchange(environ, protocol, loop, line, keep_alive=body.read_to_end)
    await place.take()
    try:
        await loop.run_in_executor(_threads, exchange.run)
    finally:
        place.give_back()


async def _body_of(scope: Scope, protocol: HTTPProtocol, headers: Headers) -> Body:
    length = None
    chunked = False
    for name, value in headers:
        if name == "content-length":
            length = int(value)  # the server has refused what is no number
        elif name == "transfer-encoding":
            chunked = True
    if not chunked and not length:
        return Body()
    return await read_body(protocol, None if chunked else length, limit_bytes(scope.path))


def make_environ(scope: Scope, headers: Headers, body: Body) -> Environ:
    """PEP 3333's environ; text in it is bytes read as Latin-1."""
    server_name, _, server_port = scope.server.rpartition(":")
    environ: Environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_NAME": server_name.strip("[]"),
        "SERVER_PORT": server_port,
        "SERVER_PROTOCOL": "HTTP/1.0" if scope.http_version == "1" else f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "CONTENT_LENGTH": str(len(body.data)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body.data),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileBlocks,
    }
    if body.problem:
        environ["tintype.body_problem"] = body.problem
    for name, value in headers:
        # With an underscore it would pass for another header's name: X_Forwarded_For for X-Forwarded-For.
        if "_" in name or name in ("content-length", "transfer-encoding"):
            continue
        key = "CONTENT_TYPE" if name == "content-type" else f"HTTP_{name.upper().replace('-', '_')}"
        separator = "; " if name == "cookie" else ","
        environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    if scope.authority:
        # `GET http://shop.example/`: the target counts (RFC 9112). What stands in front may have gone by the header, so
        # where they differ nobody is asked.
        header = environ.get("HTTP_HOST", scope.authority)
        is_one = clean_host(header) == clean_host(scope.authority)
        environ["HTTP_HOST"] = scope.authority if is_one else UNREADABLE
    return environ


class _Exchange:
    """One request and its answer, in a thread of the pool."""

    def __init__(
        self,
        environ: Environ,
        protocol: HTTPProtocol,
        loop: asyncio.AbstractEventLoop,
        line: ClientLine,
        *,
        keep_alive: bool,
    ) -> None:
        self._environ = environ
        self._protocol = protocol
        self._loop = loop
        self._line = line
        self._keep_alive = keep_alive
        self._status = 500
        self._headers: Headers = []

    def run(self) -> None:
        try:
            result = application(
                self._environ,
                self._start_response,  # type: ignore[arg-type]  # without write(), which Django does not use
            )
            try:
                self._answer(result)
                self._line.note_sent()
            finally:
                self._line.close()
                # Django closes files and gives its database connections back here, so always, and in this thread.
                close: Callable[[], None] | None = getattr(result, "close", None)
                if close is not None:
                    close()
        except ProtocolClosed:
            logger.debug("The client left before the end of %s", self._environ["PATH_INFO"])
        except Exception:
            logger.exception("Failed outside of Django: %s", self._environ["PATH_INFO"])
            # Has no effect on an answer that has begun.
            self._protocol.response_str(
                500, [("content-type", "text/plain"), ("connection", "close")], "Internal error"
            )

    def _start_response(self, status: str, headers: Headers, exc_info: Any = None) -> None:
        self._status = int(status[:3])
        self._headers = [
            (name.lower(), value.strip()) for name, value in headers if name.lower() not in HOP_BY_HOP
        ]
        if not self._keep_alive:
            self._headers.append(("connection", "close"))

    def _answer(self, result: Iterable[bytes]) -> None:
        streaming = getattr(result, "streaming", False)
        if self._environ["REQUEST_METHOD"] == "HEAD":
            if not streaming and not any(name == "content-length" for name, _ in self._headers):
                self._headers.append(("content-length", str(sum(len(part) for part in result))))
            self._protocol.response_empty(self._status, self._headers)
        elif streaming:
            self._stream(result)
        else:
            self._protocol.response_bytes(self._status, self._headers, b"".join(result))

    def _stream(self, result: Iterable[bytes]) -> None:
        transport = self._protocol.response_stream(self._status, self._headers)

        async def send(part: bytes) -> None:
            await transport.send_bytes(part)

        for part in result:
            if part:
                asyncio.run_coroutine_threadsafe(send(part), self._loop).result(SEND_TIMEOUT_S)
