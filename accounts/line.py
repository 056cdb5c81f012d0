"""The line to whoever asked: whether they still listen, and how a request waits without being in others' way.

config/server.py puts one into the environ of every request; behind another server nobody is known to have left.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, cast

from django.http import HttpRequest

ENVIRON_KEY = "tintype.line"


class Line(Protocol):
    def watch(self, on_cut: Callable[[], None] | None = None) -> None:
        """From now on it is known when the client leaves before it was answered, or has left already. `on_cut` hears
        of it from another thread, maybe twice.
        """
        ...

    def is_cut(self) -> bool:
        """Whether the client has left, as far as is known since watch()."""
        ...

    def waiting(self) -> AbstractContextManager[None]:
        """Within it, this request is none of the WEB_THREADS that are at work at once."""
        ...

    def when_sent(self, call: Callable[[], None]) -> None:
        """Calls `call` in this thread once the answer is on its way to a client that has not left; else never."""
        ...


class DeafLine:
    def watch(self, on_cut: Callable[[], None] | None = None) -> None:
        """Nobody would tell."""

    def is_cut(self) -> bool:
        return False

    def waiting(self) -> AbstractContextManager[None]:
        return nullcontext()

    def when_sent(self, call: Callable[[], None]) -> None:
        """Nobody would know."""


def line_of(request: HttpRequest) -> Line:
    return cast(Line, request.META.get(ENVIRON_KEY) or DeafLine())
