"""Carries an adapter's requests: bounded in time and size, without a thread for each.

An address that the operator of the installation chose may be inside the network, such as a GPU machine's. All others,
which the staff of a shop entered, are judged as by the door out (webhooks/outbound.py), through which also goes what an
upstream chose, the address of a result.
"""

import asyncio
import json
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Self

import httpcore2
import httpx2

from generations.providers.wire import Origin, Request, Response
from webhooks import outbound

CONNECT_S = 5.0
MAX_BODY_BYTES = 48 * 1024 * 1024  # four large images in base64
# Shorter than servers usually keep theirs, so that an order seldom meets a connection that is being closed.
KEEP_ALIVE_S = 4.0
MOST_KEPT = 100
# A compressed answer could unpack to any size; none is large enough to need it.
USER_AGENT = "images/1"  # of no shop's name: upstreams need not know whose brand asks
COMMON = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}
_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
    httpcore2.ConnectError,
    httpcore2.ConnectTimeout,
    outbound.NotFetched,
)
_BROKEN = (
    httpx2.HTTPError,
    httpx2.StreamError,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    OSError,
)


class NotReached(Exception):
    """The request was not sent, so it can be sent again."""


class Forbidden(NotReached):
    """We do not go there: it is inside of our network, and nobody who may say so has let us in."""


class NoAnswer(Exception):
    """It was sent, and what became of it is unknown. `timed_out`: the time for it was over."""

    def __init__(self, text: str, *, timed_out: bool) -> None:
        super().__init__(text)
        self.timed_out = timed_out


class Oversized(Exception):
    """The answer does not end within what any answer needs."""


class Line:
    """Connections to upstreams, kept for the next request. One for each event loop: `async with Line() as line`."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(None, connect=CONNECT_S),
            limits=httpx2.Limits(
                max_connections=None, max_keepalive_connections=MOST_KEPT, keepalive_expiry=KEEP_ALIVE_S
            ),
            follow_redirects=False,
        )
        self._judged: dict[str, httpcore2.AsyncConnectionPool] = {}

    async def __aenter__(self) -> Self:
        self._stack.push_async_callback(self._client.aclose)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def send(self, request: Request, *, total_s: float, trusted_origin: Origin | None) -> Response:
        """Raises NotReached, NoAnswer or Oversized. `total_s` is for all of it, however slowly the answer drips.

        At exactly `trusted_origin` it may lead into our own network.
        """
        content = None if request.body is None else json.dumps(request.body).encode()
        headers = {**COMMON, **request.headers}
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            url = httpx2.URL(request.url)
            if trusted_origin is not None and outbound.is_at(url, trusted_origin):
                exchange = partial(self._exchange, request, headers, content)
            else:
                outbound.check_without_asking(request.url)
                exchange = partial(self._exchange_judged, request.method, url, headers, content)
            async with asyncio.timeout(total_s):
                return await exchange()
        except TimeoutError:
            raise NoAnswer(f"no answer within {total_s:g} s", timed_out=True) from None
        except outbound.Refused as error:
            raise Forbidden(str(error)) from error
        except _NOT_SENT as error:
            raise NotReached(_said(error)) from error
        except (httpx2.LocalProtocolError, httpcore2.LocalProtocolError, UnicodeError):
            # Without its text, which holds the header: mostly a credential that was pasted with a line's end.
            raise NotReached("the request cannot be written; does the credential hold odd signs?") from None
        except _BROKEN as error:
            raise NoAnswer(_said(error), timed_out=False) from error

    async def _exchange(self, request: Request, headers: dict[str, str], content: bytes | None) -> Response:
        async with self._client.stream(
            request.method, request.url, headers=headers, content=content
        ) as answer:
            body = bytearray()
            async for chunk in answer.aiter_raw():
                _add(body, chunk)
            named = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status_code, named, bytes(body))

    async def _exchange_judged(
        self, method: str, url: httpx2.URL, headers: dict[str, str], content: bytes | None
    ) -> Response:
        """Without proxies of the environment, as at the door out: they would connect to what nobody judged."""
        host = url.raw_host.decode("ascii").removesuffix(".")  # certificates know no dot at the end
        address = httpcore2.URL(scheme=url.raw_scheme, host=host.encode(), port=url.port, target=url.raw_path)
        listed = [("Host", url.netloc.decode("ascii")), *headers.items()]
        if content is not None:
            listed.append(("Content-Length", str(len(content))))
        raw = [(name.encode("ascii"), value.encode("ascii")) for name, value in listed]
        timeouts = {"timeout": {"connect": CONNECT_S}}
        async with self._pool(url.scheme).stream(
            method, address, headers=raw, content=content, extensions=timeouts
        ) as answer:
            body = bytearray()
            async for chunk in answer.aiter_stream():
                _add(body, chunk)
            named = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers
            }
            return Response(answer.status, named, bytes(body))

    def _pool(self, scheme: str) -> httpcore2.AsyncConnectionPool:
        """Opened when it is needed: reading all certificates takes a while."""
        pool = self._judged.get(scheme)
        if pool is None:
            pool = httpcore2.AsyncConnectionPool(
                ssl_context=httpcore2.default_ssl_context(),
                max_connections=None,
                max_keepalive_connections=MOST_KEPT,
                keepalive_expiry=KEEP_ALIVE_S,
                network_backend=outbound.judging(scheme),
            )
            self._judged[scheme] = pool
            self._stack.push_async_callback(pool.aclose)
        return pool


def _add(body: bytearray, chunk: bytes) -> None:
    body += chunk
    if len(body) > MAX_BODY_BYTES:
        raise Oversized(f"an answer of more than {MAX_BODY_BYTES} bytes")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
