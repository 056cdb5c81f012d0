"""Keys that shops have entered at the desk."""

from typing import Any

from accounts.models import Shop
from billing import connecting
from billing.models import StripeAccount
from tests.till import RunningTill

SIGNER = "whsec_entered_for_a_test"


def with_key(shop: Shop, key: str = "", **more: Any) -> StripeAccount:
    """Entered at the desk; a key that Stripe does not know unless it is named."""
    return connecting.connect(shop, key=key or f"sk_test_of_nobody_{shop.pk}", signers=SIGNER, **more)


def with_its_till_as_stripe(till: RunningTill, shop: Shop) -> StripeAccount:
    """Its key was entered, and is one that the till knows."""
    its_own = till.of_shop(shop.pk)
    return connecting.connect(shop, key=its_own.secret_key, signers=its_own.webhook_secret)
