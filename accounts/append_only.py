"""Append-only, kept by the database: triggers that refuse to change or delete a table's rows.

Installed after every migration, since a table rebuild on SQLite drops triggers without a word.
"""

from dataclasses import dataclass
from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_migrate


@dataclass(frozen=True, slots=True)
class AppendOnlyTable:
    """`in_the_way`: SQL that finds the rows a new one would collide with. SQLite's REPLACE deletes those without
    asking delete triggers.
    """

    name: str
    message: str
    in_the_way: str = "id = NEW.id"

    def wanted(self, connection: BaseDatabaseWrapper) -> dict[str, str]:
        """Name of each trigger and the statement that makes it."""
        return self._on_postgresql() if connection.vendor == "postgresql" else self._on_sqlite()

    def _on_sqlite(self) -> dict[str, str]:
        collides = f"EXISTS (SELECT 1 FROM {self.name} WHERE {self.in_the_way})"  # noqa: S608 - ours
        events = {
            "update": f"UPDATE ON {self.name}",
            "delete": f"DELETE ON {self.name}",
            "replace": f"INSERT ON {self.name} WHEN {collides}",
        }
        return {
            f"{self.name}_no_{action}": (
                f"CREATE TRIGGER {self.name}_no_{action} BEFORE {event} "
                f"BEGIN SELECT RAISE(ABORT, '{self.message}'); END"
            )
            for action, event in events.items()
        }

    def _on_postgresql(self) -> dict[str, str]:
        events = {"change": ("UPDATE OR DELETE", "ROW"), "truncate": ("TRUNCATE", "STATEMENT")}
        return {
            f"{self.name}_no_{action}": (
                f"CREATE TRIGGER {self.name}_no_{action} BEFORE {event} ON {self.name} "
                f"FOR EACH {unit} EXECUTE FUNCTION {self.name}_refuse()"
            )
            for action, (event, unit) in events.items()
        }

    def missing(self, connection: BaseDatabaseWrapper) -> list[str]:
        """The names of triggers that should be there and are not, or are switched off."""
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(
                    "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgenabled IN ('O', 'A')",
                    [self.name],
                )
            else:
                cursor.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [self.name]
                )
            present = {row[0] for row in cursor.fetchall()}
        return sorted(set(self.wanted(connection)) - present)

    def install(self, connection: BaseDatabaseWrapper) -> None:
        """Idempotent."""
        names = self.missing(connection)
        if not names:
            return
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(
                    f"CREATE OR REPLACE FUNCTION {self.name}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
                    f"$$ BEGIN RAISE EXCEPTION '{self.message}' "
                    "USING ERRCODE = 'integrity_constraint_violation'; END $$"
                )
            for name in names:
                if connection.vendor == "postgresql":
                    cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {self.name}")
                cursor.execute(self.wanted(connection)[name])


TABLES: list[AppendOnlyTable] = []


def keep(table: AppendOnlyTable, app: AppConfig) -> None:
    """From `app`'s ready(): its triggers are installed after each of the app's migrations, and missed when absent."""

    def install_after_migrate(using: str, **_kwargs: Any) -> None:
        connection = connections[using]
        if table.name in connection.introspection.table_names():
            table.install(connection)

    TABLES.append(table)
    post_migrate.connect(install_after_migrate, sender=app, dispatch_uid=table.name, weak=False)
