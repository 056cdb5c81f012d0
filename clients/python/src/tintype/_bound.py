"""Operations as methods: `get = plain(get_generation)` in the blocking client, `awaited(…)` in the other one.

So each signature and docstring is written once, and type checkers see it in both.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

from tintype._listing import Listing
from tintype._steps import Flow, Settings
from tintype.results import Page

P = ParamSpec("P")
T = TypeVar("T")


class Runner(Protocol):
    @property
    def settings(self) -> Settings: ...

    def run(self, flow: Flow[T]) -> T: ...


class AsyncRunner(Protocol):
    @property
    def settings(self) -> Settings: ...

    async def run(self, flow: Flow[T]) -> T: ...


class Paged(Generic[T]):
    """All of a list, page after page as it is read; `page(cursor)` is one page."""

    def __init__(self, runner: Runner, listing: Listing[T]) -> None:
        self._runner = runner
        self._listing = listing

    def page(self, cursor: str | None = None) -> Page[T]:
        return self._runner.run(self._listing.page(self._runner.settings, cursor))

    def __iter__(self) -> Iterator[T]:
        page = self.page()
        yield from page.data
        while page.next_cursor is not None:
            page = self.page(page.next_cursor)
            yield from page.data


class AsyncPaged(Generic[T]):
    """All of a list, page after page as it is read; `await page(cursor)` is one page."""

    def __init__(self, runner: AsyncRunner, listing: Listing[T]) -> None:
        self._runner = runner
        self._listing = listing

    async def page(self, cursor: str | None = None) -> Page[T]:
        return await self._runner.run(self._listing.page(self._runner.settings, cursor))

    async def __aiter__(self) -> AsyncIterator[T]:
        page = await self.page()
        for item in page.data:
            yield item
        while page.next_cursor is not None:
            page = await self.page(page.next_cursor)
            for item in page.data:
                yield item


class plain(Generic[P, T]):  # noqa: N801 - reads as what it does to a function
    def __init__(self, operation: Callable[Concatenate[Settings, P], Flow[T]]) -> None:
        self._operation = operation
        self.__doc__ = operation.__doc__

    def __get__(self, runner: Runner, owner: type[Any] | None = None) -> Callable[P, T]:
        def method(*args: P.args, **kwargs: P.kwargs) -> T:
            return runner.run(self._operation(runner.settings, *args, **kwargs))

        return _named(method, self._operation, returns="{}", drop=1)


class awaited(Generic[P, T]):  # noqa: N801
    def __init__(self, operation: Callable[Concatenate[Settings, P], Flow[T]]) -> None:
        self._operation = operation
        self.__doc__ = operation.__doc__

    def __get__(
        self, runner: AsyncRunner, owner: type[Any] | None = None
    ) -> Callable[P, Coroutine[Any, Any, T]]:
        async def method(*args: P.args, **kwargs: P.kwargs) -> T:
            return await runner.run(self._operation(runner.settings, *args, **kwargs))

        return _named(method, self._operation, returns="{}", drop=1)


class paged(Generic[P, T]):  # noqa: N801
    def __init__(self, listing: Callable[P, Listing[T]]) -> None:
        self._listing = listing
        self.__doc__ = listing.__doc__

    def __get__(self, runner: Runner, owner: type[Any] | None = None) -> Callable[P, Paged[T]]:
        def method(*args: P.args, **kwargs: P.kwargs) -> Paged[T]:
            return Paged(runner, self._listing(*args, **kwargs))

        return _named(method, self._listing, returns="Paged[{}]")


class async_paged(Generic[P, T]):  # noqa: N801
    def __init__(self, listing: Callable[P, Listing[T]]) -> None:
        self._listing = listing
        self.__doc__ = listing.__doc__

    def __get__(self, runner: AsyncRunner, owner: type[Any] | None = None) -> Callable[P, AsyncPaged[T]]:
        def method(*args: P.args, **kwargs: P.kwargs) -> AsyncPaged[T]:
            return AsyncPaged(runner, self._listing(*args, **kwargs))

        return _named(method, self._listing, returns="AsyncPaged[{}]")


M = TypeVar("M", bound=Callable[..., Any])


def _named(method: M, like: Callable[..., Any], *, returns: str, drop: int = 0) -> M:
    """With name, words and signature of `like`, less its first `drop` parameters: for help() and editors."""
    functools.update_wrapper(method, like, ("__module__", "__name__", "__qualname__", "__doc__"))
    del method.__wrapped__  # type: ignore[attr-defined]  # it would show the parameter that is bound
    signature = inspect.signature(like)
    inner = str(signature.return_annotation).partition("[")[2].removesuffix("]")
    shown = list(signature.parameters.values())[drop:]
    method.__signature__ = signature.replace(  # type: ignore[attr-defined]  # what inspect looks for
        parameters=shown, return_annotation=returns.format(inner)
    )
    return method
