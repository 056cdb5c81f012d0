"""Drives an adapter over the real line, as the product does, until an answer ends the attempt."""

import asyncio
import itertools
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from generations.providers.base import Job, OutcomeKind
from generations.providers.http import Line
from generations.providers.wire import Account, Adapter, Answer, Request, Response, origin_of

PAUSE_S = 0.01
T = TypeVar("T")
_numbers = itertools.count(1)
_open: list[tuple[asyncio.Runner, Line]] = []


@contextmanager
def open_line() -> Iterator[None]:
    """One loop and one line for all that follows: opening one takes longer than most tests."""
    with asyncio.Runner() as runner:
        line = runner.run(_opened())
        _open.append((runner, line))
        try:
            yield
        finally:
            _open.clear()
            runner.run(line.__aexit__(None, None, None))


async def _opened() -> Line:
    return await Line().__aenter__()


def _run(work: Coroutine[Any, Any, T]) -> T:
    return _open[0][0].run(work)


def _line() -> Line:
    return _open[0][1]


@dataclass
class Driven:
    """`answers` in the order they came; `handle` as the attempt's row would hold it."""

    answers: list[Answer] = field(default_factory=list)
    handle: dict[str, str] = field(default_factory=dict)

    @property
    def end(self) -> Answer:
        return self.answers[-1]


def job(prompt: str, **changes: Any) -> Job:
    """An order that nobody has seen before."""
    task_id = f"task_{next(_numbers)}"
    usual: dict[str, Any] = {
        "task_id": task_id,
        "attempt_key": f"{task_id}:1",
        "prompt": prompt,
        "width": 1024,
        "height": 1024,
        "seed": 42,
        "output_format": "png",
    }
    return Job(**{**usual, **changes})


def ask(request: Request, total_s: float = 5.0) -> Response:
    """Raises what the line raises."""
    return _run(sent(_line(), request, total_s))


async def sent(line: Line, request: Request, total_s: float = 5.0) -> Response:
    """As the operator's own choice, whichever address that is."""
    return await line.send(request, total_s=total_s, trusted_origin=origin_of(request.url))


def submit(adapter: Adapter, account: Account, order: Job, total_s: float = 5.0) -> Driven:
    """The answer to the order alone."""
    answer = adapter.read_submit(account, order, ask(adapter.submit(account, order), total_s))
    return Driven([answer], answer.handle or {})


def drive(adapter: Adapter, account: Account, order: Job, total_s: float = 5.0) -> Driven:
    """Until an answer other than WAIT. Raises what the line raises."""

    return _run(until_it_ends(_line(), adapter, account, order, total_s))


async def until_it_ends(line: Line, adapter: Adapter, account: Account, order: Job, total_s: float) -> Driven:
    """As drive(), on a line of the caller's."""
    response = await sent(line, adapter.submit(account, order), total_s)
    driven = Driven([adapter.read_submit(account, order, response)])
    while driven.end.kind == OutcomeKind.WAIT:
        driven.handle = driven.end.handle or driven.handle
        assert driven.handle, "a WAIT left nothing to ask with"
        await asyncio.sleep(PAUSE_S if driven.end.poll_after_s is None else driven.end.poll_after_s)
        response = await sent(line, adapter.poll(account, driven.handle), total_s)
        driven.answers.append(adapter.read_poll(account, driven.handle, response))
    return driven


def images_of(answer: Answer) -> list[bytes]:
    """Those that came along, or else what lies at the addresses."""
    if answer.images:
        return list(answer.images)
    return [ask(Request("GET", url)).body for url in answer.image_urls]
