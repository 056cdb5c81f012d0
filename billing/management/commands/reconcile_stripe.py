"""Makes the books of all shops agree with Stripe now, as is done once an hour, and prints figures as JSON."""

import dataclasses
import json
from typing import Any

from accounts.management.base import OperatorCommand
from accounts.models import Shop
from billing import reconciling
from billing.stripe_gateway import credentials
from billing.stripe_gateway.errors import StripeAway, StripeRefused


class Command(OperatorCommand):
    help = (
        "Fetch events of Stripe that did not arrive and look at payments that are not decided; print "
        '{"missed_events":…,"looked_at":…}. Exit 1 when Stripe is away.'
    )

    def work(self, **options: Any) -> None:
        if not Shop.objects.filter(credentials.takes_payments("pk")).exists():
            self.refuse(
                "STRIPE_SECRET_KEY is not set, and no shop has a key: there is nothing to reconcile with."
            )
        try:
            reconciled = reconciling.reconcile()
        except StripeAway as error:
            self.refuse(f"Stripe is away ({_one_line(error)}). What was found is kept; run it again later.")
        except StripeRefused as error:
            self.refuse(
                f"Stripe refuses ({_one_line(error)}). Look at STRIPE_SECRET_KEY, and at the keys of other shops:"
                " manage.py doctor tries each. What was found is kept."
            )
        self.stdout.write(json.dumps(dataclasses.asdict(reconciled), separators=(",", ":")))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
