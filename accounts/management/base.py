"""Shared by the operators' commands: results on stdout, errors as one line on stderr with exit 1."""

import argparse
import sys
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand
from django.db import OperationalError, ProgrammingError

from accounts.models import Organization
from accounts.organizations import full_slug, named


def whole_number(text: str, *, minimum: int = 1, maximum: int = 1_000_000) -> int:
    """For argparse: a whole number within bounds."""
    try:
        value = int(text)
    except ValueError:
        value = minimum - 1
    if not minimum <= value <= maximum:
        raise argparse.ArgumentTypeError(f"expected a whole number from {minimum} to {maximum}, not {text!r}")
    return value


class OperatorCommand(BaseCommand):
    """Subclasses implement `work`."""

    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        try:
            super().run_from_argv(argv)
        except SystemExit as end:
            raise SystemExit(
                1 if end.code == 2 else end.code
            ) from None  # argparse's 2: one status for errors

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.work(**options)
        except ValidationError as error:
            self.refuse(" ".join(error.messages))
        except UnicodeError:
            self.refuse("An argument is not valid UTF-8.")
        except (OperationalError, ProgrammingError) as error:
            if "no such table" in str(error) or "does not exist" in str(error):
                self.refuse("The database has no tables yet. Run: manage.py migrate")
            self.refuse(f"The database does not answer: {str(error).splitlines()[0]}")

    def work(self, **options: Any) -> None:
        raise NotImplementedError

    def refuse(self, message: str) -> NoReturn:
        self.stderr.write(message)
        sys.exit(1)

    def organization(self, text: str) -> Organization:
        """`text`: its short name, or shop/short-name."""
        found = list(named(text)[:20])
        if not found:
            self.refuse(f"There is no organization {text!r}.")
        if len(found) > 1:
            several = ", ".join(map(full_slug, found))
            self.refuse(f"Several shops have an organization {text!r}: say which, of {several}.")
        return found[0]
