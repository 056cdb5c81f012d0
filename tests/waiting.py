"""Waiting for a condition instead of for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PAUSE_S, LONGEST_PAUSE_S = 0.01, 0.1


def wait_until(
    condition: Callable[[], T], what: str, timeout_s: float = 30.0, *, pause_s: float = PAUSE_S
) -> T:
    """The condition's first true value; TimeoutError, which names what was awaited, after `timeout_s`: much longer than
    it takes, since a loaded machine may be several times as slow.

    Between two looks are at least `pause_s`, and more the longer it takes: what looks is work that others wait for.
    """
    began = time.monotonic()
    while not (value := condition()):
        waited_s = time.monotonic() - began
        if waited_s > timeout_s:
            raise TimeoutError(f"Waited {timeout_s:g} s in vain: {what}")
        time.sleep(max(pause_s, min(waited_s / 20, LONGEST_PAUSE_S)))
    return value
