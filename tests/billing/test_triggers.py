"""The triggers that keep entries: they come with every migration, and their absence is said aloud."""

from collections.abc import Iterator

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from billing import audit
from billing.models import LedgerEntry
from billing.triggers import ENTRIES
from tests.makers import an_organization

NAMES = sorted(ENTRIES.wanted(connection))


def drop(name: str) -> None:
    on_table = f" ON {ENTRIES.name}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {name}{on_table}")


@pytest.fixture
def triggers_again(committed_db: None) -> Iterator[None]:
    yield
    ENTRIES.install(connection)


def warned() -> list[str]:
    """The triggers that `check --database default` finds missing."""
    found = [message for message in run_checks(databases=["default"]) if message.id == "accounts.W001"]
    return sorted(name for message in found for name in NAMES if name in message.msg)


@pytest.mark.django_db
def test_a_migrated_database_has_them_all() -> None:
    assert ENTRIES.missing(connection) == []
    assert warned() == []


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_trigger_is_named_and_the_next_migrate_brings_it_back(
    triggers_again: None, name: str
) -> None:
    drop(name)
    assert ENTRIES.missing(connection) == [name]
    assert warned() == [name]
    assert [finding.row for finding in audit.check_snapshot()] == [{"trigger": name}]
    call_command("migrate", verbosity=0)
    assert ENTRIES.missing(connection) == []
    assert audit.check_snapshot() == []


def test_installing_twice_changes_nothing(triggers_again: None) -> None:
    ENTRIES.install(connection)
    ENTRIES.install(connection)
    assert ENTRIES.missing(connection) == []


if connection.vendor == "postgresql":  # SQLite has no such switch

    def test_a_trigger_that_is_switched_off_is_missing(triggers_again: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {ENTRIES.name} DISABLE TRIGGER USER")
        assert ENTRIES.missing(connection) == NAMES
        ENTRIES.install(connection)
        assert ENTRIES.missing(connection) == []


def test_entries_are_kept_again_after_their_table_was_rebuilt(triggers_again: None) -> None:
    """A new column with a default makes SQLite rebuild the table, and lose its triggers without a word."""
    an_organization(5)
    column = models.IntegerField(default=7)
    column.set_attributes_from_name("added_later")
    with connection.schema_editor() as editor:
        editor.add_field(LedgerEntry, column)
    try:
        assert ENTRIES.missing(connection) == (NAMES if connection.vendor == "sqlite" else [])
        call_command("migrate", verbosity=0)
        assert ENTRIES.missing(connection) == []
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            LedgerEntry.objects.update(actor="somebody else")
    finally:
        with connection.schema_editor() as editor:
            editor.remove_field(LedgerEntry, column)


def test_a_wallet_with_entries_cannot_be_deleted(committed_db: None) -> None:
    an_organization(5)
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM billing_wallet")
