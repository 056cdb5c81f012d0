"""Whom the till tells of events: the shop's server, under the host of the shop that the account belongs to."""

import hashlib

from billing.till.problems import Body
from billing.till.till import Till


def listed(till: Till) -> list[Body]:
    """None where nobody wants to hear of anything."""
    url = till.webhook_address
    if not url:
        return []
    return [
        {
            "id": f"we_{hashlib.sha256(url.encode()).hexdigest()[:24]}",
            "object": "webhook_endpoint",
            "api_version": None,
            "application": None,
            "created": 0,
            "description": None,
            "enabled_events": ["*"],
            "livemode": False,
            "metadata": {},
            "status": "enabled",
            "url": url,
        }
    ]
