"""Sets what an organization may do at once, and prints what is in force as JSON."""

import argparse
import json
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from accounts.audit import record
from accounts.management.base import OperatorCommand, whole_number
from accounts.models import AuditAction
from accounts.organizations import set_rate_limits
from accounts.rates import keys_above, organization_rate
from billing import ledger, reads

DEFAULT = "default"


def limit(text: str) -> int | None:
    """None: no limit of its own, the setting counts."""
    if text == DEFAULT:
        return None
    try:
        return whole_number(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, or {DEFAULT}") from None


class Command(OperatorCommand):
    help = (
        "Set limits of an organization, all its keys together; print those in force: "
        '{"rate_per_minute":…,"burst":…,"max_open_tasks":…}. The word default takes one back.'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        for name in ("--rate-per-minute", "--burst", "--max-open-tasks"):
            parser.add_argument(name, type=limit, default=argparse.SUPPRESS, metavar="N")

    def work(self, **options: Any) -> None:
        organization = self.organization(options["slug"])
        with transaction.atomic():
            rates = {name: options[name] for name in ("rate_per_minute", "burst") if name in options}
            if rates:
                set_rate_limits(organization, **rates)
            if "max_open_tasks" in options:
                ledger.set_open_limit(organization.pk, options["max_open_tasks"])
            limited = ("rate_per_minute", "burst", "max_open_tasks")
            changed = {name: options[name] for name in limited if name in options}
            if changed:
                record(organization, AuditAction.LIMITS_CHANGED, actor="system", **changed)
        rate = organization_rate(organization)
        above = keys_above(organization)
        if above:
            names = ", ".join(key.prefix for key in above)
            self.stderr.write(f"Note: these keys' own limits are more than that, but do not count: {names}")
        limits = {
            "rate_per_minute": rate.per_minute,
            "burst": rate.burst,
            "max_open_tasks": reads.open_limit(organization.pk),
        }
        self.stdout.write(json.dumps(limits, separators=(",", ":")))
