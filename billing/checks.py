"""System checks of the money tables; run by `migrate` and by `check --database default`.

Warnings, not errors: an error would stop the very `migrate` that mends it.
"""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import connections

from billing.triggers import ENTRIES


@checks.register(checks.Tags.database)
def append_only_triggers(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    errors: list[checks.CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        if ENTRIES.name not in connection.introspection.table_names():
            continue
        errors += [
            checks.Warning(
                f"Trigger {name} is missing.",
                hint="Run manage.py migrate: it installs them.",
                id="billing.W001",
            )
            for name in ENTRIES.missing(connection)
        ]
    return errors
