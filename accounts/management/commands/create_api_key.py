"""Makes an API key and prints it, and nothing else: it is not to be had again."""

import argparse
import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from accounts.api_keys import create_api_key
from accounts.audit import record
from accounts.clock import read_db_now
from accounts.management.base import OperatorCommand, whole_number
from accounts.models import AuditAction
from accounts.rates import keys_above, organization_rate


def time_of(text: str) -> datetime.datetime:
    try:
        value = datetime.datetime.fromisoformat(text)
        value = value.replace(tzinfo=value.tzinfo or datetime.UTC).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"expected a time such as 2027-01-31T12:00:00Z, not {text!r}"
        ) from None
    return value


class Command(OperatorCommand):
    help = "Make an API key for an organization; print the key and nothing else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("--test", action="store_true", help="a test key: free, sandbox only")
        parser.add_argument("--name", default="", metavar="N")
        parser.add_argument("--scopes", default="generate,read", help="of generate, read, admin, by commas")
        parser.add_argument("--rate-per-minute", type=whole_number, metavar="N")
        parser.add_argument("--burst", type=whole_number, metavar="N")
        parser.add_argument("--expires", type=time_of, metavar="ISO-TIME", help="UTC unless it has a zone")
        parser.add_argument("--addresses", default="", metavar="CIDR", help="allowed networks, by commas")

    def work(self, **options: Any) -> None:
        organization = self.organization(options["slug"])
        if options["expires"] is not None and options["expires"] <= read_db_now():
            self.refuse(f"--expires {options['expires'].isoformat()} has passed.")
        with transaction.atomic():
            key, text = create_api_key(
                organization,
                livemode=not options["test"],
                name=options["name"],
                scopes=[scope.strip() for scope in options["scopes"].split(",") if scope.strip()],
                expires_at=options["expires"],
                allowed_addresses=[part.strip() for part in options["addresses"].split(",") if part.strip()],
                rate_per_minute=options["rate_per_minute"],
                burst=options["burst"],
            )
            record(
                organization, AuditAction.KEY_CREATED, actor="system", subject=key.actor, scopes=key.scopes
            )
        shared = organization_rate(organization)
        if key in keys_above(organization):
            self.stderr.write(
                f"Note: all keys of {options['slug']} together have {shared.per_minute} requests a minute, "
                f"burst {shared.burst}, which is less than this key's own limit. "
                f"To raise it: manage.py set_limits {options['slug']} --rate-per-minute N --burst N"
            )
        self.stdout.write(text)
