"""The tests' own ground: the wanted database, real commits that others see, and a clean database afterwards."""

import json
import os
import subprocess
import sys

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from accounts.models import Organization
from billing import proofs
from billing.models import LedgerEntry, Wallet
from billing.triggers import ENTRIES
from tests import cast
from tests.services import DATABASE
from tests.threads import together

pytestmark = pytest.mark.usefixtures("any_db")


def test_database_is_the_wanted_one() -> None:
    assert connection.vendor == DATABASE
    assert ENTRIES.missing(connection) == []


# The order is the test: a committing one, then two that must find nothing of it.
def test_1_committed_rows_are_seen_by_threads_and_processes(committed_db: None) -> None:
    alice = cast.found("alice@studio.example", "Alice's Studio")
    cast.give_credits(alice.organization, 15)
    assert LedgerEntry.objects.count() == 1

    def available(_index: int) -> int:
        return Wallet.objects.get(organization=alice.organization).available

    assert together(4, available) == [15] * 4
    show_wallet = [sys.executable, "manage.py", "show_wallet", alice.organization.slug]
    shown = subprocess.run(show_wallet, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert json.loads(shown.stdout)["available"] == 15


def test_2_database_is_clean_after_real_commits(committed_db: None) -> None:
    assert Organization.objects.count() == LedgerEntry.objects.count() == 0
    assert ENTRIES.missing(connection) == []
    assert cast.found("alice@studio.example", "Alice's Studio").organization.pk == 1


def test_3_rolled_back_tests_share_the_file_with_committing_ones(
    alice: cast.Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Organization.objects.get() == alice.organization
    monkeypatch.setattr(proofs, "WRITERS_END_S", 0.1)  # which it waits for, of this very test
    call_command("check_ledger", verbosity=0)


def test_4_threads_commit_beside_each_other(committed_db: None) -> None:
    def write(index: int) -> None:
        with transaction.atomic():
            cast.found(f"person{index}@studio.example", f"Organization {index}")

    assert together(4, write) == [None] * 4


def test_the_cast_is_a_team_and_a_stranger(
    alice: cast.Person, bob: cast.Person, charlie: cast.Person
) -> None:
    assert alice.organization == bob.organization != charlie.organization
    assert Organization.objects.get(memberships__user=charlie.user) == charlie.organization
    row, secret = cast.new_key(bob, scopes=["read"])
    assert secret.startswith(row.prefix)
