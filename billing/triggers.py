"""Append-only, kept by the database: triggers that refuse to change or delete ledger entries.

Installed after every migration, since a table rebuild on SQLite drops triggers without a word.
"""

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "billing_ledgerentry"
MESSAGE = "ledger entries are never changed or deleted"
# SQLite's REPLACE deletes the rows that are in its way without asking delete triggers.
_IN_THE_WAY = (
    f"EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id OR (reference = NEW.reference AND (kind = NEW.kind "  # noqa: S608 - ours
    "OR (kind IN ('capture', 'release') AND NEW.kind IN ('capture', 'release')))))"
)
SQLITE_TRIGGERS = {
    f"{TABLE}_no_{action}": (
        f"CREATE TRIGGER {TABLE}_no_{action} BEFORE {event} BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    )
    for action, event in {
        "update": f"UPDATE ON {TABLE}",
        "delete": f"DELETE ON {TABLE}",
        "replace": f"INSERT ON {TABLE} WHEN {_IN_THE_WAY}",
    }.items()
}
POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""
POSTGRESQL_TRIGGERS = {
    f"{TABLE}_no_change": (
        f"CREATE TRIGGER {TABLE}_no_change BEFORE UPDATE OR DELETE ON {TABLE} "
        f"FOR EACH ROW EXECUTE FUNCTION {TABLE}_refuse()"
    ),
    f"{TABLE}_no_truncate": (
        f"CREATE TRIGGER {TABLE}_no_truncate BEFORE TRUNCATE ON {TABLE} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_refuse()"
    ),
}


def wanted(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """Name of each trigger and the statement that makes it."""
    return POSTGRESQL_TRIGGERS if connection.vendor == "postgresql" else SQLITE_TRIGGERS


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of triggers that should be there and are not, or are switched off."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgenabled IN ('O', 'A')",
                [TABLE],
            )
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [TABLE])
        present = {row[0] for row in cursor.fetchall()}
    return sorted(set(wanted(connection)) - present)


def install(connection: BaseDatabaseWrapper) -> None:
    """Idempotent."""
    names = missing(connection)
    if not names:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(POSTGRESQL_FUNCTION)
        for name in names:
            if connection.vendor == "postgresql":
                cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {TABLE}")
            cursor.execute(wanted(connection)[name])


def install_after_migrate(using: str, **_kwargs: Any) -> None:
    connection = connections[using]
    if TABLE in connection.introspection.table_names():
        install(connection)
