"""Suspends an organization."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import OperatorCommand
from accounts.organizations import suspend


class Command(OperatorCommand):
    help = "Suspend an organization; print its slug."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG")

    def work(self, **options: Any) -> None:
        organization = self.organization(options["slug"])
        if not suspend(organization):
            self.refuse(f"{options['slug']} is suspended already.")
        self.stdout.write(options["slug"])
