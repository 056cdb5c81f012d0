"""What customers hear of: where to, what happened, and every try to tell them."""

from webhooks.models.deliveries import (
    DeliveryState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEvent,
)
from webhooks.models.endpoints import (
    MAX_URL,
    DisabledReason,
    WebhookEndpoint,
    WebhookFeed,
    WebhookHost,
)

__all__ = [
    "MAX_URL",
    "DeliveryState",
    "DisabledReason",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
    "WebhookFeed",
    "WebhookHost",
]
