"""Brings a shop on SQLite back from a file of `manage.py backup`."""

import sqlite3
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from accounts.management.base import OperatorCommand
from config import backup
from config.backup.restoring import restore

# As docs/operations.md has it.
RECIPE = """\
createdb shop && pg_restore --dbname="$DATABASE_URL" --no-owner --exit-on-error shop.dump
psql "$DATABASE_URL" -c "UPDATE billing_stripeaccount SET nonce = substr(md5(random()::text), 1, 16)"
# then the images and the secrets, and
manage.py migrate && manage.py check_ledger --full && manage.py doctor
"""


class Command(OperatorCommand):
    help = (
        "Verify FILE, a backup, and restore it into an empty DATA_DIR. Refuses where there is a shop. With PostgreSQL:"
        " say how it is done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)

    def work(self, **options: Any) -> None:
        if settings.DATABASE_URL:
            self.stdout.write(RECIPE)
            self.refuse("Nothing was restored: a shop on PostgreSQL is restored as above.")
        file, data_dir = options["file"].absolute(), Path(settings.DATA_DIR)
        try:
            manifest = restore(file, data_dir)
        except backup.Refusal as refusal:
            self.refuse(str(refusal))
        except (OSError, sqlite3.Error) as error:
            self.refuse(f"{file} was not restored: {getattr(error, 'strerror', None) or error}.")
        counts = ", ".join(f"{count} {name}" for name, count in manifest["counts"].items())
        self.stdout.write(f"{data_dir} is as it was at {manifest['made_at']}: {counts}. Run: manage.py up")
        for what in manifest["without"]:
            self.stderr.write(f"Note: not in it: {what}. Bring it back as well, before the shop opens.")
