"""Freezes a key that somebody found in public, as a report of GitHub does."""

import sys
from typing import Any

from django.core.management.base import CommandParser
from django.views.decorators.debug import sensitive_variables

from accounts import leaks
from accounts.management.base import OperatorCommand

MAX_TEXT = 1000


class Command(OperatorCommand):
    help = (
        "Freeze the key on stdin (not an argument: those are seen by others, and kept by shells) and tell its people; "
        "print its prefix."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--place", default="", metavar="URL", help="where it was found, for its people")

    @sensitive_variables()
    def work(self, **options: Any) -> None:
        text = sys.stdin.read(MAX_TEXT).strip()
        [key] = leaks.report([leaks.Finding(text, options["place"])], source="operator")
        if key is None:
            self.refuse("There is no such key. Give the whole key on stdin.")
        if key.revoked_at is not None:
            self.refuse(f"{key.prefix} was revoked before.")
        if key.frozen_at is not None:
            self.refuse(f"{key.prefix} was frozen before.")
        self.stdout.write(key.prefix)
