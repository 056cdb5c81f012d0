"""Opens another shop on this installation."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import transaction

from accounts import shop_opening, shop_rules
from accounts.errors import DomainError
from accounts.hosts import shown_host
from accounts.management.base import OperatorCommand
from accounts.models import Shop
from accounts.shops import address_of, host_of
from generations import wholesale


class Command(OperatorCommand):
    help = "Open a shop of its own name and domain; print its address and what is left to do."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--domain", required=True, metavar="D", help="such as shop.example")
        parser.add_argument("--currency", default="usd", metavar="C", help="of its prices; usd")
        parser.add_argument("--owner", default="", metavar="EMAIL", help="who runs it; gets a mail")
        parser.add_argument(
            "--wholesale", default="", metavar="ORG", help="it buys from the platform as this organization"
        )
        parser.add_argument("--language", default="", metavar="L", help="its first one, such as de")

    def work(self, **options: Any) -> None:
        buyer = self.organization(options["wholesale"]) if options["wholesale"] else None
        languages = shop_rules.clean_languages(options["language"])
        if languages:  # it speaks the others as well
            languages += [code for code, _name in settings.LANGUAGES if code not in languages]
        shop = Shop(name=options["name"], currency=options["currency"], languages=languages)
        try:
            with transaction.atomic():
                shop_opening.open_shop(shop, options["domain"], operator=options["owner"])
                if buyer is not None:
                    wholesale.connect(shop, buyer)
        except DomainError as error:
            self.refuse(str(error.message))
        address = address_of(shop.pk)
        self.stdout.write(address)
        for step in self._next(shop, address, has_upstream=buyer is not None, owner=options["owner"]):
            self.stdout.write(f"- {step}")

    def _next(self, shop: Shop, address: str, *, has_upstream: bool, owner: str) -> list[str]:
        steps = [
            f"Let {shown_host(host_of(shop.pk))} lead to this machine, and its proxy know it: docs/shops.md, Domains."
        ]
        if owner:
            steps.append(f"{owner} got a mail with the way to the desk: {address}/admin/")
        if not has_upstream:
            steps.append(
                f"Give it somebody who makes its images, at {settings.PUBLIC_URL}/admin/: upstreams."
            )
        steps.append("Look at its prices and packs, and connect its payments: docs/payments.md.")
        return steps
