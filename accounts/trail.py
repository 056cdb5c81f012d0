"""Which request and which order this is about, by their ids: for log lines, traces, and whoever follows one of them
through web, worker and upstream.

A request's id may be the client's own: 128 printable signs at most, and nothing that we vouch for.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
task_id: ContextVar[str] = ContextVar("task_id", default="")

Note = Callable[[str, str | int], None]
Attributes = dict[str, str | int]
# Of whoever traces (config/watching): the name of a step -> notes what becomes known of it on the way.
tracers: list[Callable[[str, Attributes], AbstractContextManager[Note]]] = []


def ids() -> dict[str, str]:
    """Those that are known here."""
    known = {"request_id": request_id.get(), "task_id": task_id.get()}
    return {name: value for name, value in known.items() if value}


@contextmanager
def following(task: str, request: str) -> Iterator[None]:
    """What is done inside is about this order. `request`: of the request that made it, "" where that is not known."""
    before = request_id.set(request), task_id.set(task)
    try:
        yield
    finally:
        request_id.reset(before[0])
        task_id.reset(before[1])


@contextmanager
def step(name: str, **attributes: str | int) -> Iterator[Note]:
    """A part of the work that traces show with its duration. Without a tracer it costs next to nothing.

    Attributes are ids, names that operators chose, and numbers: never what customers wrote.
    """
    if not tracers:
        yield _unheard
        return
    with ExitStack() as opened:
        notes = [opened.enter_context(tracer(name, attributes)) for tracer in tracers]

        def note(key: str, value: str | int) -> None:
            for one in notes:
                one(key, value)

        yield note


def _unheard(key: str, value: str | int) -> None:
    """Nobody traces."""
