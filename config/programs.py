"""Which addresses programs ask. Without Django's models: the server reads bodies by it before these are there."""

from typing import Final

# What Stripe and GitHub call; the pages of webhooks lie beside it.
SIGNED_PREFIXES: Final = ("/webhooks/stripe", "/webhooks/github-secret-scanning")
API_PREFIXES: Final = ("/api/", "/v1/", "/hooks/", *SIGNED_PREFIXES)
