"""Prints a wallet as JSON."""

import dataclasses
import json
from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import OperatorCommand
from billing import reads


class Command(OperatorCommand):
    help = 'Print an organization\'s wallet: {"available":…,"held":…,"owed":…}, in credits.'

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG")

    def work(self, **options: Any) -> None:
        balance = reads.balance(self.organization(options["slug"]).pk)
        self.stdout.write(json.dumps(dataclasses.asdict(balance), separators=(",", ":")))
