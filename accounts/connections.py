"""Database connections are few; whoever waits for something else gives theirs back first."""

from django.db import connection


def let_go() -> None:
    """Returns this thread's connection to the pool. Without a pool it is kept: reopening would only cost."""
    if "pool" in connection.settings_dict["OPTIONS"] and not connection.in_atomic_block:
        connection.close()
