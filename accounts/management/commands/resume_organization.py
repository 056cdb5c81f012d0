"""Resumes an organization."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import OperatorCommand
from accounts.organizations import resume


class Command(OperatorCommand):
    help = "Resume an organization; print its slug."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG")

    def work(self, **options: Any) -> None:
        organization = self.organization(options["slug"])
        if not resume(organization):
            self.refuse(f"{options['slug']} is not suspended.")
        self.stdout.write(options["slug"])
