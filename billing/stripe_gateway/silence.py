"""Stripe let somebody wait in vain a moment ago: pages then give up at once.

Else a few people who buy would hold all threads of the web, each for as long as Stripe is waited for. Sweeps go on
asking, one at a time.
"""

import time

PAUSE_S = 5.0
_until = 0.0


def begin() -> None:
    global _until  # noqa: PLW0603 - one for all threads of the process
    _until = time.monotonic() + PAUSE_S


def end() -> None:
    global _until  # noqa: PLW0603
    _until = 0.0


def lasts() -> bool:
    return time.monotonic() < _until
