"""Closes a shop for good, with an export of all that it has."""

import functools
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.errors import DomainError
from accounts.management.base import OperatorCommand, whole_number
from accounts.models import Shop
from config import shop_end, shop_export


class Command(OperatorCommand):
    help = (
        "Close a shop: tell its members, let open tasks end, export everything, then delete it. "
        "Run it again to go on, after whatever broke off."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG", help="its short name")
        parser.add_argument(
            "--export", required=True, type=Path, metavar="FOLDER", help="where the export is put"
        )
        parser.add_argument(
            "--now",
            action="store_true",
            help="without the fourteen days in which members can fetch what is theirs",
        )
        seconds = functools.partial(whole_number, minimum=0, maximum=86_400)
        parser.add_argument(
            "--wait", type=seconds, default=int(shop_end.OPEN_FOR_S), metavar="SECONDS", help="for open tasks"
        )

        parser.add_argument(
            "--owe",
            default="",
            metavar="REASON",
            help="record what Stripe cannot be asked for any more as owed, instead of waiting for it",
        )

    def work(self, **options: Any) -> None:
        shop = Shop.objects.filter(slug=options["slug"]).first()
        if shop is None:
            self.refuse(f"There is no shop {options['slug']!r}.")
        try:
            shop_end.close(
                shop,
                options["export"].resolve(),
                at_once=options["now"],
                wait_s=options["wait"],
                say=self.stdout.write,
                owe=options["owe"].strip(),
            )
        except (shop_end.NotYet, shop_export.Damaged) as error:
            self.refuse(str(error))
        except DomainError as error:
            self.refuse(str(error.message))
        except OSError as error:
            self.refuse(f"The export cannot be written: {error}.")
