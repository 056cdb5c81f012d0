"""Writes all of a shop on SQLite into one file, while it runs."""

import sqlite3
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from accounts.management.base import OperatorCommand
from config import backup
from config.backup.making import make

# As docs/operations.md has it.
RECIPE = """\
pg_dump --format=custom --file=shop.dump "$DATABASE_URL"     # first: what it speaks of is stored before its rows
# then the images: the bucket by its own means, or DATA_DIR/images by rsync or a snapshot of the disk
# and apart from both: SECRET_KEY, CREDENTIALS_KEY, or DATA_DIR/secrets
"""


class Command(OperatorCommand):
    help = (
        "Write the database, images, mails, secrets and the till of a shop on SQLite into FILE, a tar; the shop goes on"
        " meanwhile. With PostgreSQL: say how it is done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)

    def work(self, **options: Any) -> None:
        if settings.DATABASE_URL:
            self.stdout.write(RECIPE)
            self.refuse("Nothing was written: a shop on PostgreSQL is backed up as above.")
        file = options["file"].absolute()
        try:
            made = make(file, Path(settings.DATA_DIR), bucket=settings.S3_BUCKET)
        except backup.Refusal as refusal:
            self.refuse(str(refusal))
        except (OSError, sqlite3.Error) as error:
            self.refuse(f"{file} was not written: {getattr(error, 'strerror', None) or error}.")
        counts = ", ".join(f"{count} {name}" for name, count in made.counts.items())
        self.stdout.write(
            f"{file}: {counts}; {made.byte_size} bytes. It holds every secret: keep it like one."
        )
        if made.gone:
            self.stderr.write(f"Note: {made.gone} images were deleted meanwhile.")
        for key in made.damaged:
            self.stderr.write(f"Note: the image {key} is damaged; it is in the backup as it is.")
        for what in made.without:
            self.stderr.write(f"Note: not in it: {what}.")
