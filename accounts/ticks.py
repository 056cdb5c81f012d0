"""What the beat rings for again and again."""

import logging
import threading
from collections.abc import Callable
from functools import wraps

from django.db import Error, InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)


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


def each_for_itself(*steps: Callable[[], object]) -> None:
    """One that raises is logged and keeps none of the others from its work: a row that nobody can deal with, or a bug,
    would else stop all that comes behind it, each time. Only while the database is away the rest is left to the next
    time, since each would wait for it anew; then that is raised.
    """
    for step in steps:
        try:
            step()
        except Exception as error:
            if isinstance(error, OperationalError | InterfaceError) and _database_is_away():
                raise
            logger.exception("%s.%s failed; it is tried again", step.__module__, step.__name__)
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()


def _database_is_away() -> bool:
    """Else it was a lock, or one statement that took too long."""
    try:
        connection.ensure_connection()
    except Error:
        return True
    return not connection.is_usable()
