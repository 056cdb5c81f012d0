"""Which keys of Stripe may be used for what; every mix of live and test is refused before anything starts."""

import re

from django.core.exceptions import ImproperlyConfigured

from billing.stripe_keys import KEY, SIGNER
from billing.stripe_keys import is_live as moves_money


def check(key: str, webhook_secrets: list[str], *, demo: bool) -> bool:
    """Whether `key` moves money. Raises ImproperlyConfigured; no message repeats a secret."""
    if not key:
        if webhook_secrets:
            raise ImproperlyConfigured("STRIPE_WEBHOOK_SECRET: it is of no use without STRIPE_SECRET_KEY.")
        return False
    # Quotes, spaces and the like were pasted with it.
    if not re.fullmatch(KEY, key):
        raise ImproperlyConfigured(
            "STRIPE_SECRET_KEY: expected a secret or restricted key, such as sk_live_… or rk_test_…"
        )
    if not webhook_secrets:
        raise ImproperlyConfigured(
            "STRIPE_WEBHOOK_SECRET: set it as well (whsec_…), from the webhook endpoint /webhooks/stripe at Stripe."
        )
    if not all(re.fullmatch(SIGNER, secret) for secret in webhook_secrets):
        raise ImproperlyConfigured(
            "STRIPE_WEBHOOK_SECRET: expected whsec_…; several are separated by commas."
        )
    is_live = moves_money(key)
    if is_live and demo:
        raise ImproperlyConfigured(
            "STRIPE_SECRET_KEY: it is a live key and DEMO is on. A demo moves no money: set DEMO=0, or use a test key."
        )
    return is_live
