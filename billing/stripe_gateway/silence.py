"""Stripe let somebody wait in vain a moment ago: pages then give up at once.

Else a few people who buy would hold all threads of the web, each for as long as Stripe is waited for. Sweeps go on
asking, one at a time. Each address is silent by itself.
"""

import time

PAUSE_S = 5.0
_until: dict[str, float] = {}  # one for all threads of the process


def begin(base: str) -> None:
    _until[base] = time.monotonic() + PAUSE_S


def end(base: str | None = None) -> None:
    """None: at every address."""
    if base is None:
        _until.clear()
    else:
        _until.pop(base, None)


def lasts(base: str | None = None) -> bool:
    """None: at any address."""
    now = time.monotonic()
    wanted = list(_until.values()) if base is None else [_until.get(base, 0.0)]
    return any(now < until for until in wanted)
