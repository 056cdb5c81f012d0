"""Database connections are few; whoever waits for something else gives theirs back first."""

from django.db import OperationalError, connection

LOCK_NOT_AVAILABLE = "55P03"


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
