"""A clean database after a test that really commits, although the ledger refuses DELETE and TRUNCATE."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection, connections
from django.db.utils import ConnectionHandler
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from tests.processes import CLEAN_SQLITE

Restore = Callable[[], None]
_BUSY_TRIES = 40  # of 250 ms each, sqlite3's own pause


@contextlib.contextmanager
def kept_clean_copy() -> Iterator[Restore]:
    """Remembers the database as it is now; what it yields brings that back, by a connection of its own."""
    settings = connection.settings_dict
    with contextlib.ExitStack() as stack:
        if connection.vendor == "sqlite":
            copy = sqlite3.connect(":memory:", check_same_thread=False)
            stack.enter_context(contextlib.closing(copy))
            yield _keep_sqlite(Path(settings["NAME"]), copy)
        else:
            own = psycopg.connect(
                dbname=settings["NAME"],
                user=settings["USER"],
                password=settings["PASSWORD"],
                host=settings["HOST"],
                port=settings["PORT"],
                autocommit=True,
            )
            yield _keep_postgresql(stack.enter_context(own))


def kept_rows(restore: Restore, blocker: DjangoDbBlocker) -> Iterator[None]:
    """For a fixture of any scope: what one test commits is there for those after it, and gone at the end."""
    with blocker.unblock():
        yield
        connections.close_all()
        restore()


@contextlib.contextmanager
def speaking_to(database: dict[str, Any]) -> Iterator[None]:
    """This process's queries go to another database, stated as in settings.DATABASES, in every thread."""
    usual, settings = connections["default"], connections.settings
    configured = settings["default"]
    usual.close()
    settings["default"] = ConnectionHandler({"default": database}).settings["default"]
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        settings["default"] = configured
        connections["default"] = usual


def _keep_sqlite(file: Path, copy: sqlite3.Connection) -> Restore:
    with (
        contextlib.closing(sqlite3.connect(file)) as live,
        contextlib.closing(sqlite3.connect(file.with_name(CLEAN_SQLITE))) as lent,
    ):
        live.backup(copy)
        live.backup(lent)

    def restore() -> None:
        tries = iter(range(_BUSY_TRIES))

        def give_up_when_busy(status: int, _remaining: int, _total: int) -> None:
            if status == sqlite3.SQLITE_BUSY and next(tries, None) is None:
                raise TimeoutError("A connection that the test left open still writes to the database.")

        with contextlib.closing(sqlite3.connect(file)) as live:
            live.execute("PRAGMA synchronous=OFF")
            copy.backup(live, progress=give_up_when_busy)

    return restore


def _keep_postgresql(own: psycopg.Connection) -> Restore:
    names = own.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    tables = [sql.Identifier(name) for (name,) in names]
    rows: list[tuple[sql.Identifier, bytes]] = []
    for table in tables:
        with own.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(table)) as reader:
            content = b"".join(bytes(block) for block in reader)
        if content:
            rows.append((table, content))
    sequences = own.execute(
        "SELECT quote_ident(sequencename), last_value FROM pg_sequences"
        " WHERE schemaname = 'public' AND last_value IS NOT NULL"
    ).fetchall()
    # Only triggers marked ALWAYS fire for a replica: neither the ledger's nor those of foreign keys.
    own.execute("SET session_replication_role = replica")
    own.execute("SET lock_timeout = '10s'")  # a transaction that a test left open is named, not waited for

    lock = sql.SQL("LOCK TABLE {}").format(sql.SQL(", ").join(tables))
    # Few tables have rows, and to empty a table by TRUNCATE makes new files for it and each of its indexes.
    empty = sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(table) for table in tables)
    restart = sql.SQL(
        "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)"
        " FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
    )

    def restore() -> None:
        with own.transaction():
            own.execute(lock)
            own.execute(empty)
            for table, content in rows:
                with own.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(table)) as writer:
                    writer.write(content)
            own.execute(restart)
            for sequence, last_value in sequences:
                own.execute("SELECT setval(%s, %s)", (sequence, last_value))

    return restore


def end_other_sessions() -> None:
    """Of threads that only end with the process, and would keep PostgreSQL from dropping the database."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
