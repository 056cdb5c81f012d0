"""Endpoints and deliveries as version 1 of the API shows them."""

from typing import Any

from accounts.times import time_text
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint


def endpoint_data(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": endpoint.public_id,
        "object": "endpoint",
        "livemode": endpoint.livemode,
        "url": endpoint.url,
        "events": endpoint.events,
        "enabled": endpoint.enabled,
        "disabled_reason": endpoint.disabled_reason or None,
        "failing_since": time_text(endpoint.failing_since),
        "created_at": time_text(endpoint.created_at),
    }


def delivery_data(delivery: WebhookDelivery) -> dict[str, Any]:
    """`url` is that of an order's `webhook_url`; an endpoint's own may have changed since."""
    return {
        "id": delivery.public_id,
        "object": "delivery",
        "livemode": delivery.livemode,
        "endpoint": delivery.endpoint.public_id if delivery.endpoint else None,
        "url": delivery.url or None,
        "event": delivery.event.type,
        "sequence": delivery.event.sequence,
        "attempt": delivery.claim,
        "status": delivery.status,
        "response_status": delivery.response_status,
        "next_attempt_at": time_text(delivery.next_attempt_at),
        "created_at": time_text(delivery.created_at),
    }


def attempt_data(attempt: WebhookAttempt) -> dict[str, Any]:
    """`error`: a machine word where there is no answer; null beside a null `response_status`: it is under way, or its
    worker died over it.
    """
    return {
        "number": attempt.number,
        "started_at": time_text(attempt.started_at),
        "response_status": attempt.response_status,
        "error": attempt.error or None,
        "answer": attempt.answer,
        "duration_ms": attempt.duration_ms,
    }
