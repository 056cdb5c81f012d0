"""An upgrade needs no pause: no migration takes away, locks or demands what the release before would miss."""

from typing import Any

import pytest
from django.apps import apps
from django.db import connection, migrations, models
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.db.models.functions import Now

from accounts.zero_downtime import AddIndexConcurrently, AddUniqueConcurrently
from tests import migration_lint
from tests.migration_lint import GROWING, RELEASED, findings, unexcused, young
from tests.processes import ROOT


@pytest.fixture(scope="module")
def loader() -> MigrationLoader:
    return MigrationLoader(None)


def state_before(loader: MigrationLoader, migration: Migration) -> ProjectState:
    state = ProjectState(real_apps=loader.unmigrated_apps)
    for app, name in loader.graph.forwards_plan((migration.app_label, migration.name))[:-1]:
        state = loader.disk_migrations[app, name].mutate_state(state, preserve=False)
    return state


def test_no_migration_does_what_the_release_before_would_miss(loader: MigrationLoader) -> None:
    found = [
        one for migration in young(loader) for one in unexcused(migration, state_before(loader, migration))
    ]
    assert found == [], (
        "cure: docs/operations.md, A new release; or say why it is fine (tests/migration_lint.py)"
    )


def test_it_looks_at_what_came_after_what_was_released(loader: MigrationLoader) -> None:
    assert {folder.parent.name for folder in ROOT.glob("*/migrations")} == set(RELEASED)
    names = {f"{one.app_label}/{one.name}" for one in young(loader)}
    assert "generations/0016_made_again" in names
    assert "generations/0015_own_gpu" not in names
    everything = young(loader, dict.fromkeys(RELEASED, "0001_initial") | {"webhooks": "0001_webhooks"})
    assert len(everything) > len(names) + 20


def test_tables_that_grow_are_tables_that_there_are() -> None:
    assert {name for name in GROWING if apps.get_model(name) is None} == set()


# --- Each thing that it is there to find --------------------------------------------------------


def small_state() -> ProjectState:
    """Two tables: `generations.attempt` grows, `generations.catalogue` does not."""
    tables = [
        migrations.CreateModel(
            name,
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("title", models.CharField(max_length=20, null=True)),
                ("number", models.IntegerField(db_default=0)),
            ],
        )
        for name in ("attempt", "catalogue")
    ]
    return a_migration(*tables).mutate_state(ProjectState())


def a_migration(*operations: Any, atomic: bool = True) -> Migration:
    of_it = {"operations": list(operations), "atomic": atomic}
    made: Migration = type("Migration", (Migration,), of_it)("0099", "generations")
    return made


def found_in(*operations: Any, atomic: bool = True) -> list[str]:
    return list(findings(a_migration(*operations, atomic=atomic), small_state()))


INDEX = models.Index(fields=["number"], name="by_number")
ONCE = models.UniqueConstraint(fields=["title"], condition=models.Q(number__gt=0), name="once")
ABOVE = models.CheckConstraint(condition=models.Q(number__gte=0), name="above")


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (migrations.RemoveField("catalogue", "title"), "RemoveField catalogue title: the release before"),
        (migrations.RenameField("catalogue", "title", "name"), "RenameField catalogue title"),
        (migrations.DeleteModel("catalogue"), "DeleteModel catalogue"),
        (migrations.RenameModel("catalogue", "sold"), "RenameModel catalogue"),
        (migrations.AlterModelTable("catalogue", "other"), "AlterModelTable catalogue"),
        (
            migrations.AlterField("catalogue", "title", models.CharField(max_length=20)),
            "AlterField catalogue title: NOT NULL without a db_default",
        ),
        (
            migrations.AddField("catalogue", "new", models.IntegerField(default=0)),
            "AddField catalogue new: NOT NULL without a db_default",
        ),
        (
            migrations.AlterField("attempt", "title", models.CharField(max_length=20, db_default="")),
            "AlterField attempt title: NOT NULL reads the whole table",
        ),
        (
            migrations.AlterField("catalogue", "number", models.IntegerField()),
            "AlterField catalogue number: without its db_default",
        ),
        (
            migrations.AlterField("catalogue", "number", models.CharField(max_length=9, db_default="")),
            "the table may be written anew",
        ),
        (
            migrations.AlterField("catalogue", "title", models.CharField(max_length=10, null=True)),
            "the table may be written anew",
        ),
        (
            migrations.AddField("attempt", "new", models.IntegerField(null=True, db_index=True)),
            "AddField attempt new: its index",
        ),
        (
            migrations.AlterField("attempt", "number", models.IntegerField(db_default=0, unique=True)),
            "AlterField attempt number: its index",
        ),
        (migrations.AddIndex("attempt", INDEX), "AddIndex by_number: nobody can write to attempt"),
        (migrations.AddConstraint("attempt", ABOVE), "AddConstraint above: nobody can write to attempt"),
        (AddIndexConcurrently("attempt", INDEX), "say atomic = False"),
        (AddUniqueConcurrently("attempt", ONCE), "say atomic = False"),
        (migrations.AddConstraint("attempt", ONCE), "AddConstraint once: nobody can write to attempt"),
        (migrations.RunPython(migrations.RunPython.noop), "RunPython: how many rows"),
        (migrations.RunSQL("SELECT 1"), "RunSQL: how many rows"),
        (
            migrations.SeparateDatabaseAndState([migrations.RunSQL("SELECT 1")], []),
            "RunSQL: how many rows",
        ),
    ],
)
def test_it_is_found(operation: Any, words: str) -> None:
    [finding] = found_in(operation)
    assert words in finding


@pytest.mark.parametrize(
    "operation",
    [
        migrations.CreateModel("new", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddField("attempt", "new", models.IntegerField(null=True)),
        migrations.AddField("attempt", "new", models.DateTimeField(db_default=Now())),
        migrations.AddField("catalogue", "new", models.IntegerField(null=True, db_index=True)),
        migrations.AlterField("attempt", "title", models.CharField(max_length=200, null=True)),
        migrations.AlterField("catalogue", "title", models.CharField(max_length=20, db_default="")),
        migrations.AddIndex("catalogue", INDEX),
        migrations.AddConstraint("catalogue", ABOVE),
        migrations.AlterModelOptions("attempt", {"verbose_name": "try"}),
    ],
)
def test_what_does_no_harm_is_let_pass(operation: Any) -> None:
    assert found_in(operation) == []


def test_an_index_beside_traffic_passes_outside_a_transaction() -> None:
    assert found_in(AddIndexConcurrently("attempt", INDEX), atomic=False) == []
    assert found_in(AddUniqueConcurrently("attempt", ONCE), atomic=False) == []


def test_who_says_why_may_and_who_says_it_of_nothing_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    migration = a_migration(migrations.RemoveField("catalogue", "title"))
    [finding] = findings(migration, small_state())
    for said, left in (({}, 1), ({finding: " "}, 1), ({finding: "nothing has read it since 1.2"}, 0)):
        monkeypatch.setattr(migration_lint, "excuses", lambda _one, said=said: said)
        assert len(unexcused(migration, small_state())) == left
    assert "FINE speaks of nothing" in unexcused(a_migration(), small_state())[0]


# --- The index itself ---------------------------------------------------------------------------


def run(migration: Migration, state: ProjectState) -> None:
    with connection.schema_editor(atomic=migration.atomic) as editor:
        migration.apply(state, editor)


def is_valid(name: str) -> bool:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = %s", [name])
        else:
            cursor.execute("SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND indisvalid", [name])
        return cursor.fetchone() is not None


AGAIN = (
    AddIndexConcurrently("sample", models.Index(fields=["id"], name="sample_again")),
    AddUniqueConcurrently(
        "sample",
        models.UniqueConstraint(fields=["id"], condition=models.Q(id__gt=0), name="sample_again"),
    ),
)


@pytest.mark.parametrize("operation", AGAIN, ids=lambda one: type(one).__name__)
def test_an_index_is_made_beside_traffic_also_where_half_of_it_is_there(
    committed_db: None, loader: MigrationLoader, operation: Any
) -> None:
    state = loader.project_state([("generations", "0015_own_gpu")])
    migration = a_migration(operation, atomic=False)
    run(migration, state.clone())
    assert is_valid("sample_again")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # as one that was broken off leaves it
            cursor.execute(
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'sample_again'::regclass"
            )
            assert not is_valid("sample_again")
            run(migration, state.clone())
            assert is_valid("sample_again")
        cursor.execute("DROP INDEX sample_again")
