"""Doing things at the same moment."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def together(count: int, work: Callable[[int], T], timeout_s: float = 60.0) -> list[T | Exception]:
    """Runs work(0) … work(count - 1) at once, each in a thread; the results, or what was raised, in order."""
    outcomes: dict[int, T | Exception] = {}
    start = threading.Barrier(count)

    def run(index: int) -> None:
        try:
            start.wait(timeout_s)
            outcomes[index] = work(index)
        except Exception as error:  # noqa: BLE001 - the test judges it
            outcomes[index] = error
        finally:
            connection.close()  # a thread's connection would go with it, unreturned to the pool

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + timeout_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if any(thread.is_alive() for thread in threads):
        raise TimeoutError(
            f"{sum(t.is_alive() for t in threads)} of {count} still ran after {timeout_s:g} s."
        )
    return [outcomes[index] for index in range(count)]
