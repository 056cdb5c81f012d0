"""Carries an adapter's requests: bounded in time and size, without a thread for each.

Addresses here are the operator's own choice, so they may be inside the network, such as a GPU machine's. What an
upstream chose, the address of a result, goes through webhooks/outbound.py instead.
"""

import asyncio
import json
from types import TracebackType
from typing import Self

import httpx2

from generations.providers.wire import Request, Response

CONNECT_S = 5.0
MAX_BODY_BYTES = 48 * 1024 * 1024  # four large images in base64
# Shorter than servers usually keep theirs, so that an order seldom meets a connection that is being closed.
KEEP_ALIVE_S = 4.0
USER_AGENT = "images/1"  # of no shop's name: upstreams need not know whose brand asks


class NotReached(Exception):
    """The request was not sent, so it can be sent again."""


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
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(None, connect=CONNECT_S),
            limits=httpx2.Limits(
                max_connections=None, max_keepalive_connections=100, keepalive_expiry=KEEP_ALIVE_S
            ),
            # A compressed answer could unpack to any size; none is large enough to need it.
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, request: Request, *, total_s: float) -> Response:
        """Raises NotReached, NoAnswer or Oversized. `total_s` is for all of it, however slowly the answer drips."""
        content = None if request.body is None else json.dumps(request.body).encode()
        headers = {"Accept": "application/json", **request.headers}
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with asyncio.timeout(total_s):
                return await self._exchange(request, headers, content)
        except TimeoutError:
            raise NoAnswer(f"no answer within {total_s:g} s", timed_out=True) from None
        except (
            httpx2.ConnectError,
            httpx2.ConnectTimeout,
            httpx2.ProxyError,
            httpx2.UnsupportedProtocol,
            httpx2.InvalidURL,
        ) as error:
            raise NotReached(_said(error)) from error
        except (httpx2.LocalProtocolError, UnicodeError):
            # Without its text, which holds the header: mostly a credential that was pasted with a line's end.
            raise NotReached("the request cannot be written; does the credential hold odd signs?") from None
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            raise NoAnswer(_said(error), timed_out=False) from error

    async def _exchange(self, request: Request, headers: dict[str, str], content: bytes | None) -> Response:
        async with self._client.stream(
            request.method, request.url, headers=headers, content=content
        ) as answer:
            body = bytearray()
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise Oversized(f"an answer of more than {MAX_BODY_BYTES} bytes")
            named = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status_code, named, bytes(body))


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
