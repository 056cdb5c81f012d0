"""Which provider makes an image."""

from django.conf import settings

from generations.providers import PROVIDERS
from generations.providers.base import Provider

SANDBOX = "sandbox"


def provider_for(*, livemode: bool) -> Provider | None:
    """The sandbox for test keys, and for live ones in a demo; None when nothing can serve live keys."""
    if not livemode or settings.DEMO:
        return PROVIDERS[SANDBOX]
    return None
