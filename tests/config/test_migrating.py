"""Migrations may take longer than any request may."""

import subprocess
import sys

import pytest
from django.core.management import call_command
from django.db import connection

from tests.processes import ROOT

SLOW = """
import sys
import django
django.setup()
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

def limits(*_arguments, **_options):
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        print(cursor.fetchone()[0], end=" ")
        cursor.execute("SHOW lock_timeout")
        print(cursor.fetchone()[0])

    sys.exit(0)

try:
    limits()
except SystemExit:
    MigrationExecutor.migrate = limits
call_command("migrate", verbosity=0)
"""


@pytest.mark.django_db
def test_migrations_are_not_cut_short_and_wait_briefly_for_locks() -> None:
    if connection.vendor == "sqlite":
        call_command("migrate", verbosity=0)  # there is nothing to lift, and nothing breaks
        return
    done = subprocess.run(
        [sys.executable, "-c", SLOW], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == ["15s 2s", "0 2s"]
