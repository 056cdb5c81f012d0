"""Proves that the books agree. Exit 0, or 1 with every row that disagrees on stdout."""

from typing import Any

from accounts.management.base import OperatorCommand
from billing import audit


class Command(OperatorCommand):
    help = "Check that wallets, ledger entries and their causes agree; exit 1 with the rows that do not."

    def work(self, **options: Any) -> None:
        findings = audit.check_snapshot()
        for finding in findings:
            self.stdout.write(str(finding))
        if findings:
            self.refuse("1 row disagrees." if len(findings) == 1 else f"{len(findings)} rows disagree.")
        self.stdout.write("ok")
