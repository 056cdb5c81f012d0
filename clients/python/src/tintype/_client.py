"""The two clients: the only place that opens connections, waits, or writes files."""

from __future__ import annotations

import asyncio
import functools
import os
import ssl
import time
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx2

from tintype import _operations
from tintype._bound import async_paged, awaited, paged, plain
from tintype._resources import (
    AsyncGenerations,
    AsyncKeys,
    AsyncWebhookDeliveries,
    AsyncWebhookEndpoints,
    Generations,
    Keys,
    WebhookDeliveries,
    WebhookEndpoints,
)
from tintype._steps import Answer, Flow, Outcome, Settings, Sleep, Step, T, Write
from tintype.errors import ConfigurationError, ConnectionFailed, TimedOut, UnexpectedAnswer
from tintype.retries import Retries

KEY_VARIABLE, URL_VARIABLE = "TINTYPE_API_KEY", "TINTYPE_BASE_URL"
USUAL_BASE_URL = "http://localhost:8000"  # where a shop on this machine opens
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@functools.cache
def _trust() -> ssl.SSLContext:
    """One for all clients: to read the certificates takes 50 ms."""
    return httpx2.create_ssl_context()


def settings_from(
    api_key: str | None, base_url: str | None, timeout_s: float, retries: Retries | None
) -> Settings:
    """What was given, else the environment. Raises ConfigurationError, which never repeats a key."""
    key = (api_key or os.environ.get(KEY_VARIABLE, "")).strip()
    if not key:
        raise ConfigurationError(f"There is no API key: set {KEY_VARIABLE}, or pass api_key")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigurationError("The API key holds signs that no key has; was it copied whole?")
    url = (base_url or os.environ.get(URL_VARIABLE) or USUAL_BASE_URL).strip().rstrip("/")
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ConfigurationError("The base URL looks like https://shop.example")
    return Settings(url, key, timeout_s, retries or Retries())


class Client:
    """What both clients are told about the shop."""

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        timeout_s: float = 30.0,
        retries: Retries | None = None,
    ) -> None:
        self.settings = settings_from(api_key, base_url, timeout_s, retries)
        self._open()

    def _open(self) -> None:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.settings.base_url!r})"


class Tintype(Client):
    """A shop, for programs that wait for each answer. Threads may share it; `close` it, or use `with`.

    api_key, base_url: else from TINTYPE_API_KEY and TINTYPE_BASE_URL. timeout_s: to connect, and for each wait on data.
    """

    generate = plain(_operations.generate)
    download = plain(_operations.download)
    save = plain(_operations.save)
    estimate = plain(_operations.estimate)
    balance = plain(_operations.balance)
    models = paged(_operations.list_models)
    ledger = paged(_operations.list_ledger)
    usage = paged(_operations.list_usage)

    def _open(self) -> None:
        self.generations = Generations(self)
        self.keys = Keys(self)
        self.webhook_endpoints = WebhookEndpoints(self)
        self.webhook_deliveries = WebhookDeliveries(self)
        self._http = httpx2.Client(follow_redirects=False, verify=_trust())

    def run(self, flow: Flow[T]) -> T:
        """Does what the operation asks for until it returns."""
        outcome: Outcome = None
        with closing(flow):
            try:
                while True:
                    outcome = self._do(flow.send(outcome))
            except StopIteration as done:
                result: T = done.value
                return result

    def _do(self, step: Step) -> Outcome:
        match step:
            case Sleep():
                time.sleep(step.seconds)
                return None
            case Write():
                write_whole(step.path, step.content)
                return None
        try:
            answer = self._http.request(
                step.method, step.url, headers=step.headers, content=step.body, timeout=step.timeout_s
            )
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            return failure_of(error)
        return as_answer(answer)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncTintype(Client):
    """A shop, for programs on asyncio. The same as Tintype, with `await` and `async for`; close it by `aclose`, or use
    `async with`.
    """

    generate = awaited(_operations.generate)
    download = awaited(_operations.download)
    save = awaited(_operations.save)
    estimate = awaited(_operations.estimate)
    balance = awaited(_operations.balance)
    models = async_paged(_operations.list_models)
    ledger = async_paged(_operations.list_ledger)
    usage = async_paged(_operations.list_usage)

    def _open(self) -> None:
        self.generations = AsyncGenerations(self)
        self.keys = AsyncKeys(self)
        self.webhook_endpoints = AsyncWebhookEndpoints(self)
        self.webhook_deliveries = AsyncWebhookDeliveries(self)
        self._http = httpx2.AsyncClient(follow_redirects=False, verify=_trust())

    async def run(self, flow: Flow[T]) -> T:
        """Does what the operation asks for until it returns."""
        outcome: Outcome = None
        with closing(flow):
            try:
                while True:
                    outcome = await self._do(flow.send(outcome))
            except StopIteration as done:
                result: T = done.value
                return result

    async def _do(self, step: Step) -> Outcome:
        match step:
            case Sleep():
                await asyncio.sleep(step.seconds)
                return None
            case Write():
                await asyncio.to_thread(write_whole, step.path, step.content)
                return None
        try:
            answer = await self._http.request(
                step.method, step.url, headers=step.headers, content=step.body, timeout=step.timeout_s
            )
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            return failure_of(error)
        return as_answer(answer)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def as_answer(answer: httpx2.Response) -> Answer:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Answer(answer.status_code, headers, answer.content)


def failure_of(error: httpx2.RequestError | httpx2.InvalidURL) -> ConnectionFailed:
    """Raises UnexpectedAnswer for an address that is none."""
    if isinstance(error, httpx2.InvalidURL):
        raise UnexpectedAnswer("The shop gave an address that is none") from error
    was_sent = not isinstance(error, _NEVER_SENT)
    origin = f"{error.request.url.scheme}://{error.request.url.netloc.decode()}"
    failure: ConnectionFailed
    if isinstance(error, httpx2.TimeoutException):
        failure = TimedOut(f"{origin} did not answer in time", was_sent=was_sent)
    else:
        what = str(error) or type(error).__name__
        failure = ConnectionFailed(f"{origin} cannot be reached: {what}", was_sent=was_sent)
    failure.__cause__ = error
    return failure


def write_whole(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink()
