"""The database: reached, new enough, migrated, its triggers there, its clock and its disk trustworthy."""

import datetime
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.append_only import TABLES
from accounts.clock import read_db_now
from config import database
from config.doctor.findings import Finding, error, ok, warning

LEAST_POSTGRESQL = 15
CLOCK_S = 2.0
# WAL needs memory that all processes share, and locks that are kept: neither is so across a network.
NETWORK_FILE_SYSTEMS = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.")


def look() -> Iterator[Finding]:
    begun = time.monotonic()
    try:
        database.reach()
    except database.Unreachable as away:
        yield error(f"cannot be reached: {away}", "Start that server, or correct DATABASE_URL.")
        return
    took_ms = (time.monotonic() - begun) * 1000
    if connection.vendor == "postgresql":
        yield from _postgresql(took_ms)
    else:
        yield from _sqlite(Path(connection.settings_dict["NAME"]))
    yield from _migrations()


def _postgresql(took_ms: float) -> Iterator[Finding]:
    number = connection.cursor().connection.info.server_version
    major = number // 10_000
    if major < LEAST_POSTGRESQL:
        yield error(
            f"PostgreSQL {major} is too old.", f"Upgrade it to {LEAST_POSTGRESQL} or newer, by pg_upgrade."
        )
    else:
        yield ok(f"PostgreSQL {major}.{number % 10_000}, reached in {took_ms:.0f} ms.")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM pg_settings WHERE setting = 'off'"
            " AND name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name"
        )
        off = [name for (name,) in cursor.fetchall()]
    if off:
        yield warning(
            f"{', '.join(off)} off: after a power cut charges that were answered for may be gone.",
            "Switch them on in postgresql.conf.",
        )
    yield _clock()


def _clock() -> Finding:
    before = time.time()
    theirs = read_db_now()
    between = datetime.datetime.fromtimestamp((before + time.time()) / 2, datetime.UTC)
    ahead_s = (theirs - between).total_seconds()
    if abs(ahead_s) > CLOCK_S:
        return warning(
            f"its clock is {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} this machine's;"
            " orders follow the database's.",
            "Let both machines set their clocks by NTP.",
        )
    return ok("its clock and this machine's agree.")


def _sqlite(file: Path) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()")
        [version] = cursor.fetchone()
        cursor.execute("PRAGMA journal_mode")
        [mode] = cursor.fetchone()
    kind = file_system(file)
    if kind.startswith(NETWORK_FILE_SYSTEMS):
        yield error(
            f"{file} lies on {kind}, where SQLite loses data.", "Move DATA_DIR to a disk of this machine."
        )
    elif mode != "wal":
        yield error(
            f"the journal of {file} is {mode}: writers stop all readers.",
            "See that its folder can be written, and that its file system knows shared memory.",
        )
    else:
        yield ok(f"SQLite {version} on {kind or 'a local disk'}.")
    if not settings.DEMO:
        yield warning(
            "SQLite: one writer at a time, on one machine.",
            "For many customers set DATABASE_URL to PostgreSQL.",
        )


def file_system(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """The kind that `path` lies on, as mounts name it; "" where that cannot be told."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    found, longest = "", -1
    for line in lines:
        _device, point, kind = line.split(" ")[:3]
        at = Path(point.replace("\\040", " "))
        # The later of two on one point hides the earlier.
        if (at == path or at in path.parents) and len(at.parts) >= longest:
            found, longest = kind, len(at.parts)
    return found


def _migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        first = waiting[0][0]
        yield error(
            f"{len(waiting)} migrations are not applied, the first is {first.app_label}.{first.name}.",
            "Run: manage.py migrate",
        )
        return
    known = executor.loader.disk_migrations or {}
    ours = {app for app, _name in known}
    newer = [name for name in executor.loader.applied_migrations if name[0] in ours and name not in known]
    if newer:
        yield warning(
            f"it was migrated by a newer release: {'.'.join(sorted(newer)[0])} is unknown here.",
            "Run the newer release.",
        )
    missing = [name for table in TABLES for name in table.missing(connection)]
    if missing:
        yield error(
            f"triggers are missing, so money could be changed afterwards: {', '.join(missing)}.",
            "Run: manage.py migrate, which installs them, and manage.py check_ledger --full.",
        )
    else:
        yield ok("all migrations are applied, all triggers are there.")
