"""A stand-in of each format and a line to them, opened once for all tests that ask for it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.generations.adapters.driving import open_line
from tests.upstreams.running import Up, running


@pytest.fixture(scope="session")
def stand_in() -> Iterator[Callable[[str], Up]]:
    """By the format's name."""
    started: dict[str, Up] = {}
    with ExitStack() as stack:
        stack.enter_context(open_line())

        def of(name: str) -> Up:
            if name not in started:
                started[name] = stack.enter_context(running(name))
            return started[name]

        yield of
