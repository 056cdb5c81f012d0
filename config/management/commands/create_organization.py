"""Founds an organization and prints its slug."""

import functools
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from accounts.audit import record
from accounts.management.base import OperatorCommand, whole_number
from accounts.models import AuditAction, Shop
from accounts.organizations import create_organization, person, shown_slug
from accounts.shops import first_shop
from billing import manual


class Command(OperatorCommand):
    help = "Found an organization for the person with this e-mail; print its slug."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--owner", required=True, metavar="EMAIL")
        parser.add_argument("--shop", metavar="SLUG", help="whose customer it is; else the first shop's")
        credits = functools.partial(whole_number, minimum=0, maximum=manual.MAX_MANUAL_CREDITS)
        parser.add_argument("--credits", type=credits, default=0, metavar="N", help="credits to start with")
        parser.add_argument(
            "--rate-per-minute", type=whole_number, metavar="N", help="of all its keys together"
        )
        parser.add_argument("--burst", type=whole_number, metavar="N", help="of all its keys together")

    def work(self, **options: Any) -> None:
        shop = first_shop()
        if options["shop"]:
            named = Shop.objects.filter(slug=options["shop"], closing_at=None).first()
            if named is None:
                slugs = (
                    Shop.objects.filter(closing_at=None).order_by("pk").values_list("slug", flat=True)[:20]
                )
                self.refuse(f"There is no shop {options['shop']!r}. There are: {', '.join(slugs)}.")
            shop = named
        with transaction.atomic():
            owner = person(options["owner"])
            organization = create_organization(
                shop,
                options["name"],
                owner,
                rate_per_minute=options["rate_per_minute"],
                burst=options["burst"],
            )
            record(organization, AuditAction.ORGANIZATION_CREATED, actor="system", subject=owner.actor)
            if options["credits"]:
                manual.grant(organization.pk, options["credits"], reason="Credits to start with")
        self.stdout.write(shown_slug(organization))
