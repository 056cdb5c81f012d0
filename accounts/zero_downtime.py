"""For migrations that run while the release before serves: what Django does under a lock, done without one.

docs/operations.md ("A new release") says what that release may rely on.
"""

from typing import Any

from django.db.migrations import AddIndex
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
        connection = schema_editor.connection
        if connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        with connection.cursor() as cursor:
            name = connection.ops.quote_name(self.index.name)
            cursor.execute(
                "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid", [name]
            )
            is_half_made = cursor.fetchone() is not None
        if is_half_made:
            schema_editor.remove_index(model, self.index, concurrently=True)
        schema_editor.add_index(model, self.index, concurrently=True)

    def describe(self) -> str:
        return f"{super().describe()} beside traffic"
