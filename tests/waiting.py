"""Waiting for a condition instead of for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: str, timeout_s: float = 30.0) -> T:
    """The condition's first true value; TimeoutError, which names what was awaited, after `timeout_s`: much longer than
    it takes, since a loaded machine may be several times as slow.
    """
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {timeout_s:g} s in vain: {what}")
        time.sleep(0.01)
    return value
