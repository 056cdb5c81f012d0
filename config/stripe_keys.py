"""Which keys of Stripe may be used for what; every mix of live and test is refused before anything starts."""

import hashlib
import re

from django.core.exceptions import ImproperlyConfigured

LIVE = ("sk_live_", "rk_live_")
KEY = r"(sk|rk)_(live|test)_[A-Za-z0-9_]{4,200}"
SIGNER = r"whsec_[A-Za-z0-9+/=_-]{4,200}"


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
    is_live = key.startswith(LIVE)
    if is_live and demo:
        raise ImproperlyConfigured(
            "STRIPE_SECRET_KEY: it is a live key and DEMO is on. A demo moves no money: set DEMO=0, or use a test key."
        )
    return is_live


def of_the_till(secret: str) -> tuple[str, list[str]]:
    """What the shop and its till know each other by: (key, webhook secrets)."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return f"sk_test_till{digest[:32]}", [f"whsec_till{digest[32:]}"]
