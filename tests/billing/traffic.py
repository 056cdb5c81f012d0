"""Checks of the books while orders come and go."""

import threading
from collections.abc import Callable
from contextlib import suppress

from django.db import OperationalError

from accounts.access import Access
from billing.audit import Finding
from generations import lifecycle
from tests.makers import a_generation
from tests.threads import together


def findings_beside_orders(
    access: Access, check: Callable[[], list[Finding]], times: int, timeout_s: float
) -> object:
    """How much `check` found in so many runs, while three threads ordered and canceled all the time."""
    done = threading.Event()

    def work(index: int) -> int:
        if index == 0:
            try:
                return sum(len(check()) for _ in range(times))
            finally:
                done.set()
        orders = 0
        while not done.is_set():
            # SQLite gives up on whom it has let wait for too long; how the books fare is the question here.
            with suppress(OperationalError):
                lifecycle.cancel(a_generation(access))
                orders += 1
        return orders

    findings, *orders = together(4, work, timeout_s=timeout_s)
    assert all(isinstance(made, int) and made > 0 for made in orders)
    return findings
