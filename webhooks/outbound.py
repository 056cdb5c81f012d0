"""The only door for HTTP to addresses that others chose: results of upstreams, and customers' webhooks. Upstreams that
the staff of a shop entered are called through the judging() of it (generations/providers/http.py).

Nothing is decided by how an address is spelled. The name is resolved here, every IP address that it stands for is
judged (networks.py), and the socket is opened to one of those: what was judged is what is reached. Each redirect
begins anew. No connection is kept, so none that was allowed for one address serves another.
"""

import asyncio
import contextlib
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import httpcore2
import httpx2
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from webhooks.networks import as_address, why_forbidden
from webhooks.resolving import Busy, Resolve, Resolvers, system_resolver

CONNECT_S = 5.0
BODY_S = 2.0  # for the beginning of an answer that is only shown
USER_AGENT = "images/1"  # of no shop's name: whoever is reached knows by other means who asks
MAX_REDIRECTS = 3
MAX_URL_CHARACTERS = 4096
MAX_ADDRESSES = 4  # of one name, tried one after the other
# A name of sane labels, or an IPv6 address without a zone. What it leads to is another question.
HOST = re.compile(
    r"(?=.{1,254}$)([A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]+)"
)
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
REDIRECTS = (301, 302, 303, 307, 308)
BROKEN = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    OSError,  # SSLError is one
)
# Below 1024 only 443 speaks HTTPS; these above speak something else, and may trust whoever comes from our address.
OTHER_PORTS = {
    *(1080, 1433, 1521, 1723, 2049, 2375, 2379, 3128, 3306, 3389, 4369, 5060, 5432, 5672, 5900, 5984, 6000),
    *(6379, 6443, 6667, 7000, 7001, 8500, 9042, 9092, 9100, 9200, 9300, 10250, 11211, 15672, 27017),
}

ONLY_HTTPS = _("Only addresses that begin with https:// are reached")
LEADS_NOWHERE = _("This name leads nowhere")

# Scheme, host and port; the port may be None, for the scheme's own.
Origin = tuple[str, str, int | None]
_saving = Resolvers()  # of addresses that forms keep


class NotFetched(Exception):
    """Base. The text is for our own records; `may_come_later`: the same address may answer at another time."""

    may_come_later = False


class Refused(NotFetched):
    """We do not go there. `reason` is translatable, for whoever entered the address."""

    def __init__(self, reason: Any) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Unreachable(NotFetched):
    """No connection, no valid certificate, or it broke before the end."""

    may_come_later = True


class TooSlow(NotFetched):
    may_come_later = True


class ResolversBusy(NotFetched):
    """Too many names are looked up already, so this one was not: it says nothing about who was to be reached."""

    may_come_later = True


class TooLarge(NotFetched):
    pass


class BadAnswer(NotFetched):
    """An answer, but not the thing itself."""

    def __init__(self, status: int, what: str = "") -> None:
        super().__init__(f"HTTP {status}{': ' if what else ''}{what}")
        self.status = status
        self.may_come_later = status in (404, 408, 425, 429) or status >= 500  # some stores need a moment


@dataclass(frozen=True, slots=True)
class Posted:
    """What somebody answered: any status, the header Retry-After as it was sent, the beginning of the body."""

    status: int
    retry_after: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _Target:
    """One address to ask. `trusted`: the operator chose its origin, so it may lie inside our network."""

    url: httpx2.URL
    trusted: bool = False

    @property
    def host(self) -> str:
        return self.url.raw_host.decode("ascii").removesuffix(".")  # certificates know no dot at the end

    @property
    def port(self) -> int:
        return self.url.port or {"http": 80, "https": 443}[self.url.scheme]

    def judge(self, ips: Iterable[str]) -> None:
        """Raises Refused if one of `ips` is forbidden: a name that stands for others as well is no better."""
        for ip in ips if not self.trusted else ():
            address = as_address(ip)
            if address.is_loopback and settings.OUTBOUND_LOOPBACK:
                continue
            if self.url.scheme == "http":
                raise Refused(ONLY_HTTPS)
            if kind := why_forbidden(address):
                reason = _("This address leads to {ip}, which is not on the public internet ({kind})")
                raise Refused(format_lazy(reason, ip=ip, kind=kind))


def _target(text: str, trusted_origin: Origin | None) -> _Target:
    """Raises Refused for what is no address that could be asked."""
    if len(text) > MAX_URL_CHARACTERS:
        raise Refused(_("This address is too long"))
    # Browsers, libraries and proxies disagree about these, so that nobody can say where they lead.
    if any(character in "\\ " or not character.isprintable() for character in text):
        raise Refused(_("This address has characters that do not belong into one"))
    try:
        url = httpx2.URL(text)
        host = url.raw_host.decode("ascii")
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        raise Refused(_("This is not an address")) from None
    if url.scheme not in ("https", "http") or not HOST.fullmatch(host) or url.port == 0:
        raise Refused(ONLY_HTTPS)
    if url.userinfo:
        raise Refused(_("An address must not hold a user or a password"))
    target = _Target(url, trusted=trusted_origin is not None and is_at(url, trusted_origin))
    if not target.trusted:
        _judge_port(target)
    return target


def _judge_port(target: _Target) -> None:
    if target.url.scheme == "http" and not settings.OUTBOUND_LOOPBACK:
        raise Refused(ONLY_HTTPS)
    is_service = target.port != 443 and (target.port < 1024 or target.port in OTHER_PORTS)
    if target.url.scheme == "https" and is_service:
        raise Refused(format_lazy(_("Port {port} is not one for https"), port=target.port))


def is_at(url: httpx2.URL, origin: Origin) -> bool:
    """Whether it has exactly this scheme, host and port."""
    scheme, host, port = origin
    default = {"http": 80, "https": 443}
    return (
        url.scheme == scheme
        and host.lower() in (url.host, url.raw_host.decode("ascii"))
        and (url.port or default.get(url.scheme)) == (port or default.get(scheme))
    )


def host_of(url: str) -> str:
    """The name that is looked up for it; "" for what is no address."""
    try:
        return httpx2.URL(url).raw_host.decode("ascii").removesuffix(".").lower()
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        return ""


def check_address(url: str, resolve: Resolve = system_resolver, *, share: str = "") -> None:
    """For forms that keep an address: raises Refused where a later call would, as far as can be known today; and
    ResolversBusy. `share`: who asks, else the name itself.
    """
    target = _target(url, None)
    try:
        found = _saving.look_up_here(
            resolve, target.host, target.port, share=share or target.host, total_s=CONNECT_S
        )
    except Busy:
        raise ResolversBusy(target.host) from None
    except (OSError, UnicodeError):  # TimeoutError is one
        raise Refused(LEADS_NOWHERE) from None
    if not found:
        raise Refused(LEADS_NOWHERE)
    target.judge(found)


def check_without_asking(url: str) -> None:
    """As check_address for what must not wait: numbers are judged in every spelling, names when they are reached.

    Raises Refused.
    """
    target = _target(url, None)
    name = target.host.lower()
    if name == "localhost" or name.endswith(".localhost"):
        target.judge(["127.0.0.1"])
        return
    if ":" in name:
        target.judge([name])
        return
    try:
        number = socket.inet_aton(name)  # in octal, in hexadecimal, with parts left out: as resolvers read it
    except OSError:
        return
    target.judge([socket.inet_ntoa(number)])


class _Backend(httpcore2.AsyncNetworkBackend):
    """Opens the sockets of one request: to what `resolve` finds and `target` allows, and to nothing else."""

    def __init__(self, target: _Target, resolve: Resolve, resolvers: Resolvers, share: str) -> None:
        self._target = target
        self._resolve = resolve
        self._resolvers = resolvers
        self._share = share

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        found = await self._look_up(host, port)
        give_up_at = time.monotonic() + CONNECT_S
        self._target.judge(found)
        tried = found[:MAX_ADDRESSES]
        failure = Unreachable(f"{host}: no address")
        for index, ip in enumerate(tried):
            patience_s = max(0.1, (give_up_at - time.monotonic()) / (len(tried) - index))
            try:
                # An IP address, so nothing is resolved a second time.
                return await httpcore2.AnyIOBackend().connect_tcp(ip, port, timeout=patience_s)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = Unreachable(f"{host} at {ip} port {port}: {_said(error)}")
        raise failure

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        share = self._share or host
        try:
            return await self._resolvers.look_up(self._resolve, host, port, share=share, total_s=CONNECT_S)
        except Busy:
            raise ResolversBusy(host) from None
        except (OSError, UnicodeError) as error:  # TimeoutError is one
            raise Unreachable(f"{host}: {_said(error)}") from None


def judging(scheme: str) -> httpcore2.AsyncNetworkBackend:
    """For a pool of connections of this scheme alone: it connects to what the door connects to. Raises NotFetched."""
    anybody = _Target(httpx2.URL(f"{scheme}://anybody.invalid"))
    return _Backend(anybody, system_resolver, Resolvers(), "")


class Door:
    """Any number of calls at once, in any event loop.

    `resolve` and `verify` are what an installation may have of its own: a resolver, and certificates that it trusts.
    """

    def __init__(self, *, resolve: Resolve = system_resolver, verify: ssl.SSLContext | None = None) -> None:
        self._resolve = resolve
        self._verify = verify or httpcore2.default_ssl_context()
        # Of its own: names that resolve slowly hold up each other, and nothing else.
        self._resolvers = Resolvers()

    async def fetch(
        self, url: str, *, max_bytes: int, total_s: float, trusted_origin: Origin | None = None
    ) -> bytes:
        """All bytes of what lies there. Raises NotFetched, each of its kinds as it is called.

        `total_s` is for all of it, redirects included. At `trusted_origin`, and only until it redirects elsewhere,
        an address may be a private one and plain http.
        """
        try:
            async with asyncio.timeout(total_s):
                return await self._follow(url, max_bytes, trusted_origin)
        except TimeoutError:
            raise TooSlow(f"not whole within {total_s:g} s") from None

    async def _follow(self, url: str, max_bytes: int, trusted_origin: Origin | None) -> bytes:
        target = _target(url, trusted_origin)
        for _hop in range(MAX_REDIRECTS + 1):
            async with self._exchange("GET", target) as answer:
                if answer.status not in REDIRECTS:
                    return await _whole_body(answer, max_bytes)
                location = _header(answer, b"location")
            if not location:
                raise BadAnswer(answer.status, "redirects to nowhere")
            target = _next(target, location, trusted_origin)
        raise BadAnswer(answer.status, f"more than {MAX_REDIRECTS} redirects")

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str],
        max_bytes: int,
        total_s: float,
        share: str = "",
    ) -> "Posted":
        """Sends `body`, and follows no redirect: an answer is there once its status is, within `total_s`.

        Raises Refused, Unreachable, TooSlow or ResolversBusy.

        `share`: for whom, so that of all names that are looked up at once theirs are only a part.
        """
        try:
            async with (
                asyncio.timeout(total_s) as clock,
                self._exchange("POST", _target(url, None), body, headers, share=share) as answer,
            ):
                clock.reschedule(asyncio.get_running_loop().time() + 2 * BODY_S)
                return Posted(
                    answer.status,
                    _header(answer, b"retry-after").decode("latin-1")[:100],
                    await _beginning(answer, max_bytes),
                )
        except TimeoutError:
            raise TooSlow(f"no answer within {total_s:g} s") from None

    @contextlib.asynccontextmanager
    async def _exchange(
        self,
        method: str,
        target: _Target,
        body: bytes = b"",
        more: Mapping[str, str] = NO_HEADERS,
        *,
        share: str = "",
    ) -> AsyncIterator[httpcore2.Response]:
        """The answer, with its body still to come. Nothing is sent that could tell who asks, or for whom."""
        headers: list[tuple[bytes | str, bytes | str]] = [
            ("Host", target.url.netloc),
            ("User-Agent", USER_AGENT),
            ("Accept", "*/*"),
            ("Accept-Encoding", "identity"),
            ("Connection", "close"),
            *more.items(),
        ]
        if body:
            headers.append(("Content-Length", str(len(body))))
        address = httpcore2.URL(
            scheme=target.url.raw_scheme, host=target.host, port=target.port, target=target.url.raw_path
        )
        connection = httpcore2.AsyncHTTPConnection(
            address.origin,
            ssl_context=self._verify,
            network_backend=_Backend(target, self._resolve, self._resolvers, share),
        )
        try:
            async with (
                contextlib.aclosing(connection),
                connection.stream(
                    method,
                    address,
                    headers=headers,
                    content=body or None,
                    extensions={"timeout": {"connect": CONNECT_S}},
                ) as answer,
            ):
                yield answer
        except BROKEN as error:
            raise Unreachable(f"{target.host}: {_said(error)}") from error


def _next(target: _Target, location: bytes, trusted_origin: Origin | None) -> _Target:
    try:
        url = str(target.url.join(location.decode("utf-8")))
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        raise Refused(_("This is not an address")) from None
    # Who has left the operator's origin is not led back into it by a stranger.
    return _target(url, trusted_origin if target.trusted else None)


async def _whole_body(answer: httpcore2.Response, max_bytes: int) -> bytes:
    if answer.status != 200:
        raise BadAnswer(answer.status)
    encoding = _header(answer, b"content-encoding").strip().lower()
    if encoding not in (b"", b"identity"):  # it could unpack to any size, and was not asked for
        raise BadAnswer(answer.status, f"compressed: {encoding.decode('latin-1')[:40]}")
    length = _header(answer, b"content-length")
    if length.isdigit() and int(length) > max_bytes:
        raise TooLarge(f"{int(length)} bytes announced: more than {max_bytes}")
    body = bytearray()
    async for chunk in answer.aiter_stream():
        body += chunk
        if len(body) > max_bytes:
            raise TooLarge(f"more than {max_bytes} bytes")
    return bytes(body)


async def _beginning(answer: httpcore2.Response, max_bytes: int) -> bytes:
    """Of an answer that is only shown, as much of it as comes soon: its status says all that counts. What is compressed
    could unpack to any size, and was not asked for.
    """
    body = bytearray()
    if _header(answer, b"content-encoding").strip().lower() not in (b"", b"identity"):
        return b""
    with contextlib.suppress(TimeoutError, *BROKEN):
        async with asyncio.timeout(BODY_S):
            async for chunk in answer.aiter_stream():
                body += chunk
                if len(body) >= max_bytes:
                    break
    return bytes(body[:max_bytes])


def _header(answer: httpcore2.Response, name: bytes) -> bytes:
    return next((value for key, value in answer.headers if key.lower() == name), b"")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
