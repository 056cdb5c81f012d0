"""For migrations that run while the release before serves: what Django does under a lock, done without one.

docs/operations.md ("A new release") says what that release may rely on.
"""

from typing import Any

from django.db.migrations import AddConstraint, AddIndex, AlterField
from django.db.migrations.state import ProjectState


class AddIndexConcurrently(AddIndex):
    """On PostgreSQL beside traffic, which AddIndex would keep from writing as long as it takes: its migration says
    `atomic = False`. On SQLite the same as AddIndex.

    When one is broken off, such as by a lock that it waited for too long, half an index stays: running it again makes
    it anew.
    """

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        if _is_half_made(schema_editor.connection, self.index.name):
            schema_editor.remove_index(model, self.index, concurrently=True)
        schema_editor.add_index(model, self.index, concurrently=True)

    def describe(self) -> str:
        return f"{super().describe()} beside traffic"


class AddUniqueConcurrently(AddConstraint):
    """The same for a UniqueConstraint with a condition, which PostgreSQL keeps as an index and nothing else."""

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        connection = schema_editor.connection
        if connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        statement: Any = self.constraint.create_sql(model, schema_editor)
        if not statement.template.startswith("CREATE UNIQUE INDEX "):
            raise TypeError(f"{self.constraint.name} has no condition, so it is more than an index.")
        if _is_half_made(connection, self.constraint.name):
            schema_editor.execute(
                f"DROP INDEX CONCURRENTLY {connection.ops.quote_name(self.constraint.name)}"
            )
        statement.template = statement.template.replace("INDEX", "INDEX CONCURRENTLY", 1)
        schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        return f"{super().describe()} beside traffic"


class AlterFieldAtOnce(AlterField):
    """In a transaction of its own in a migration that has none: SQLite may write the whole table anew for it."""

    atomic = True


def _is_half_made(connection: Any, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid",
            [connection.ops.quote_name(name)],
        )
        return cursor.fetchone() is not None
