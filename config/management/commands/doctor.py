"""Looks at everything that the shop stands on. Exit 0, or 1 when something is an error."""

import json
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.core.validators import validate_email

from accounts.management.base import OperatorCommand
from config import doctor


class Command(OperatorCommand):
    help = (
        "Check settings, database, broker, workers, storage, mail, Stripe and upstreams; one line each, with the cure. "
        "Exit 1 when something does not work. Changes nothing, and sends nothing but to --mail-to."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.add_argument("--mail-to", default="", metavar="ADDRESS", help="send one mail there")

    def work(self, **options: Any) -> None:
        if options["mail_to"]:
            try:
                validate_email(options["mail_to"])
            except ValidationError:
                self.refuse("--mail-to: expected an e-mail address.")
        found = []
        for finding in doctor.examine(options["mail_to"]):
            found.append(finding)
            if not options["json"]:
                self.stdout.write(str(finding))
                self.stdout.flush()  # the next one may have to wait for somebody
        levels = {finding.level for finding in found}
        worst = next(level for level in ("error", "warning", "ok") if level in levels)
        if options["json"]:
            self.stdout.write(
                json.dumps({"status": worst, "findings": [asdict(finding) for finding in found]})
            )
        if worst == "error":
            raise SystemExit(1)
