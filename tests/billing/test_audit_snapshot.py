"""The audit sees one moment and delays nobody, however busy the books are."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import F

from accounts.models import Organization
from billing import audit, ledger
from billing.models import Wallet
from tests.billing.traffic import findings_beside_orders
from tests.makers import an_access, an_organization, new_reference
from tests.scale import count
from tests.threads import together

ROOT = Path(__file__).resolve().parent.parent.parent


def wallets_differ_from_entries(cursor: CursorWrapper, between: Callable[[], object]) -> bool:
    """A naive audit: two queries, and what `between` does in between."""
    cursor.execute("SELECT SUM(available) FROM billing_ledgerentry")
    entries = cursor.fetchone()
    between()
    cursor.execute("SELECT SUM(available) FROM billing_wallet")
    return bool(cursor.fetchone() != entries)


def granting_elsewhere(organization: Organization) -> Callable[[], object]:
    """Commits a grant from another connection, and does not wait for readers."""

    def grant(_index: int) -> None:
        ledger.grant(organization.pk, 1, reference=new_reference("manual"), actor="system")

    def run() -> None:
        assert together(1, grant, timeout_s=5) == [None]

    return run


def test_all_queries_of_the_audit_see_one_moment(committed_db: None) -> None:
    organization = an_organization(10)
    with audit.snapshot() as cursor:
        assert not wallets_differ_from_entries(cursor, granting_elsewhere(organization))
    with audit.snapshot() as cursor:
        assert audit.check(cursor) == []


def test_without_a_snapshot_two_queries_disagree_control(committed_db: None) -> None:
    organization = an_organization(10)
    with connection.cursor() as cursor:
        assert wallets_differ_from_entries(cursor, granting_elsewhere(organization))


def test_the_snapshot_cannot_write(committed_db: None) -> None:
    an_organization(10)
    with audit.snapshot() as cursor:
        cursor.execute("SELECT 1")
        if connection.vendor == "postgresql":
            cursor.execute("SHOW transaction_read_only")
            assert cursor.fetchone() == ("on",)
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone() == ("repeatable read",)


if connection.vendor == "sqlite":  # PostgreSQL's readers never block a writer

    def write_blocked() -> bool:
        with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0.05)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            return False

    def test_the_audit_blocks_no_writer(committed_db: None) -> None:
        an_organization(10)
        with audit.snapshot() as cursor:
            cursor.execute("SELECT COUNT(*) FROM billing_wallet")
            assert not write_blocked()

    def test_an_immediate_reader_blocks_every_writer_control(committed_db: None) -> None:
        an_organization(10)
        with connection.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("SELECT COUNT(*) FROM billing_wallet")
            assert write_blocked()
            cursor.execute("ROLLBACK")


def test_the_audit_finds_nothing_while_work_goes_on(committed_db: None) -> None:
    organization = an_organization(1_000_000)
    Wallet.objects.update(open_limit=1000)
    access = an_access(organization)
    assert findings_beside_orders(access, audit.check_snapshot, count(10, 100), timeout_s=600) == 0


def check_ledger() -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "manage.py"), "check_ledger"]
    environment = {**os.environ, "DATA_DIR": str(settings.DATA_DIR)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_check_ledger_exits_0_on_clean_books_and_1_with_the_rows_that_disagree(committed_db: None) -> None:
    organization = an_organization(10)
    clean = check_ledger()
    assert (clean.returncode, clean.stdout) == (0, "ok\n")

    Wallet.objects.filter(organization=organization).update(available=F("available") + 1, open_tasks=1)
    broken = check_ledger()
    assert broken.returncode == 1
    assert [line.partition(" ")[0] for line in broken.stdout.splitlines()] == [
        "wallet_is_not_the_sum_of_its_entries:",
        "wallet_open_tasks_are_not_its_open_holds:",
    ]
    assert broken.stdout.count(f"wallet={organization.slug} ") == 2
    assert "2 rows disagree" in broken.stderr


@pytest.mark.django_db
def test_the_audit_also_reads_as_its_caller_sees(db: None) -> None:
    an_organization(10)
    with connection.cursor() as cursor:
        assert audit.check(cursor) == []
