"""System checks of append-only tables; run by `migrate` and by `check --database default`.

Warnings, not errors: an error would stop the very `migrate` that mends it.
"""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import connections

from accounts.append_only import TABLES


@checks.register(checks.Tags.database)
def append_only_triggers(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    errors: list[checks.CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        present = connection.introspection.table_names()
        errors += [
            checks.Warning(
                f"Trigger {name} is missing.",
                hint="Run manage.py migrate: it installs them.",
                id="accounts.W001",
            )
            for table in TABLES
            if table.name in present
            for name in table.missing(connection)
        ]
    return errors
