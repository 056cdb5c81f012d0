"""The proof's two runs go side by side, but what is judged by the clock has the machine to itself meanwhile."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

_alone = False


def is_judged_by_the_clock(item: pytest.Item) -> bool:
    """Whether the test function itself calls scale.record()."""
    function = getattr(item, "function", None)
    return "record" in getattr(getattr(function, "__code__", None), "co_names", ())


def has_the_machine() -> bool:
    """Also where no other run goes on beside this one."""
    return _alone or "RUNS_FOLDER" not in os.environ


@contextlib.contextmanager
def sharing_the_machine(*, alone: bool) -> Iterator[None]:
    """One test's time. Who wants to be alone waits for the other run's present test; its next one waits for us."""
    global _alone  # noqa: PLW0603 - of this process
    with (
        _locked("next", fcntl.LOCK_EX) as turn,
        _locked("machine", fcntl.LOCK_EX if alone else fcntl.LOCK_SH),
    ):
        fcntl.flock(turn, fcntl.LOCK_UN)
        _alone = alone
        try:
            yield
        finally:
            _alone = False


@contextlib.contextmanager
def _locked(name: str, kind: int) -> Iterator[IO[bytes]]:
    with (Path(os.environ["RUNS_FOLDER"]) / f"{name}.lock").open("ab") as file:
        fcntl.flock(file, kind)
        yield file
