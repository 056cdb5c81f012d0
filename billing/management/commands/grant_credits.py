"""Gives credits to an organization, with a reason."""

import functools
from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import OperatorCommand, whole_number
from billing import manual


class Command(OperatorCommand):
    help = "Give credits to an organization; print what is available afterwards."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        credits = functools.partial(whole_number, maximum=manual.MAX_MANUAL_CREDITS)
        parser.add_argument("credits", type=credits, metavar="N")
        parser.add_argument("--reason", required=True, metavar="TEXT")

    def work(self, **options: Any) -> None:
        organization = self.organization(options["slug"])
        if not options["reason"].strip():
            self.refuse("--reason: say why.")
        manual.grant(organization.pk, options["credits"], reason=options["reason"])
        self.stdout.write(str(organization.wallet.available))
