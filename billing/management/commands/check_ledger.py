"""Proves that the books agree. Exit 0, or 1 with every row that disagrees on stdout."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import OperatorCommand
from billing import books


class Command(OperatorCommand):
    help = "Check that wallets, ledger entries and their causes agree; exit 1 with the rows that do not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--full", action="store_true", help="read everything, not only what came after the last proof"
        )

    def work(self, **options: Any) -> None:
        findings = books.look(full=options["full"])
        for finding in findings:
            self.stdout.write(str(finding))
        if findings:
            self.refuse("1 row disagrees." if len(findings) == 1 else f"{len(findings)} rows disagree.")
        self.stdout.write("ok")
