"""Orders of test keys cost nothing, and take as long as their prompts say, on the threads that hear rings. Paid orders
need those threads too, if only for a moment: so in each process half of them is left to these.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from generations import doorbell
from generations.models import Generation, Status

_lock = threading.Lock()
_at_work = 0
_turned_away = False  # since somebody left a place


@contextmanager
def place() -> Iterator[bool]:
    """Whether there is one for this thread. Who is told that there is none parks the order: whoever leaves a place
    rings for those that wait longest.
    """
    global _at_work, _turned_away  # noqa: PLW0603 - of this process
    with _lock:
        has_place = _at_work < _most()
        _at_work += has_place
        _turned_away = _turned_away or not has_place
    try:
        yield has_place
    finally:
        if has_place:
            with _lock:
                _at_work -= 1
                calls, _turned_away = _turned_away, False
            if calls:
                _ring_for_those_that_wait()


def _most() -> int:
    return max(1, settings.WORKER_CONCURRENCY // 2)


def _ring_for_those_that_wait() -> None:
    waiting = Generation.objects.unended().filter(status=Status.QUEUED, livemode=False)
    for pk in waiting.order_by("deadline_at").values_list("pk", flat=True)[: _most()]:
        doorbell.ring(pk)
