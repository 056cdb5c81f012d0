"""A database without its guards, for tests that break the books to see them named. Undone with the transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from billing.triggers import ENTRIES

TABLES = (
    "billing_wallet",
    "billing_ledgerentry",
    "billing_keyusage",
    "billing_payment",
    "generations_generation",
)


@contextmanager
def lawless() -> Iterator[None]:
    """Inside a transaction that is rolled back later: no trigger, no CHECK, two settlements possible."""
    if connection.vendor == "postgresql":
        connection.check_constraints()  # no table is altered with pending checks
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT conrelid::regclass::text, conname FROM pg_constraint"
                " WHERE contype = 'c' AND conrelid::regclass::text = ANY(%s)",
                [list(TABLES)],
            )
            for table, name in cursor.fetchall():
                cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
            cursor.execute(f"ALTER TABLE {ENTRIES.name} DISABLE TRIGGER USER")
            cursor.execute("DROP INDEX one_settlement_per_reference")
        yield
        return
    with connection.cursor() as cursor:
        for name in ENTRIES.wanted(connection):
            cursor.execute(f"DROP TRIGGER {name}")
        cursor.execute("DROP INDEX one_settlement_per_reference")
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        try:
            yield
        finally:
            cursor.execute("PRAGMA ignore_check_constraints = OFF")
