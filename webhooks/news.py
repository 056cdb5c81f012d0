"""What accounts, which lie below, have to tell."""

from accounts.models import ApiKey
from webhooks.event_types import KEY_COMPROMISED
from webhooks.publishing import publish


def key_compromised(key: ApiKey, source: str) -> None:
    data = {"key": key.public_id, "prefix": key.prefix, "source": source}
    publish(key.organization_id, KEY_COMPROMISED, livemode=key.livemode, data=data)
