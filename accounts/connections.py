"""Database connections are few; whoever waits for something else gives theirs back first."""

from typing import TypeGuard

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from psycopg_pool import PoolTimeout

LOCK_NOT_AVAILABLE = "55P03"
READ_ONLY = "25006"
AWAY: tuple[type[Exception], ...] = (OperationalError, InterfaceError, PoolTimeout)


def let_go() -> None:
    """Returns this thread's connection to the pool. Without a pool it is kept: reopening would only cost."""
    if "pool" in connection.settings_dict["OPTIONS"] and not connection.in_atomic_block:
        connection.close()


def was_locked(error: Exception) -> bool:
    """Whether it is about one row alone, which somebody else holds for longer than is waited for. Never on SQLite,
    where whoever writes holds everything.
    """
    code = getattr(error.__cause__, "sqlstate", None)
    return isinstance(error, OperationalError) and code == LOCK_NOT_AVAILABLE


def is_away(error: BaseException | None) -> TypeGuard[Exception]:
    """Whether it says nothing of what was asked, only that the database cannot do it now. One that was demoted, as
    when another takes its place, goes on reading, and writes nothing.
    """
    if isinstance(error, AWAY):
        return True
    cause = error.__cause__ if isinstance(error, DatabaseError) else None
    return isinstance(cause, AWAY) or getattr(cause, "sqlstate", None) == READ_ONLY
