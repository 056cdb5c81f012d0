"""What the beat rings for again and again."""

import threading
from collections.abc import Callable
from functools import wraps


def one_at_a_time(work: Callable[[], None]) -> Callable[[], None]:
    """In this process; further ticks pass. Else all threads of a worker would come to wait for one that takes long,
    such as a Stripe that hangs.
    """
    at_work = threading.Lock()

    @wraps(work)
    def tick() -> None:
        if at_work.acquire(blocking=False):
            try:
                work()
            finally:
                at_work.release()

    return tick
