"""How long what was told is kept, what of it an export holds, and what is left when an organization closes."""

import datetime
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Abs

from accounts.clock import db_now
from accounts.hooks import ExportDocument, ExportFile
from accounts.models import Organization
from accounts.privacy.export_rows import in_batches
from webhooks import secrets
from webhooks.models import (
    DeliveryState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    WebhookFeed,
    WebhookHost,
)

Row = dict[str, Any]
PORTION = 500


def forget_old() -> int:
    """How many deliveries were older than settings.WEBHOOK_LOG_DAYS, and not under way."""
    days = datetime.timedelta(days=settings.WEBHOOK_LOG_DAYS)
    ended = WebhookDelivery.objects.exclude(status=DeliveryState.PENDING)
    count = sum(_delete(ended.filter(created_at__lte=db_now() - days).order_by("created_at")))
    WebhookHost.objects.filter(failed_at__lte=db_now() - days).delete()
    secrets.forget_old()
    return count


def _delete(deliveries: "QuerySet[WebhookDelivery]") -> Iterator[int]:
    """In their order, with their attempts and the events that nobody is told of any more; a portion each time."""
    while ids := list(deliveries.values_list("pk", flat=True)[:PORTION]):
        with transaction.atomic():
            events = set(WebhookDelivery.objects.filter(pk__in=ids).values_list("event_id", flat=True))
            WebhookAttempt.objects.filter(delivery_id__in=ids).delete()
            WebhookDelivery.objects.filter(pk__in=ids).delete()
            told = WebhookDelivery.objects.filter(event_id=OuterRef("pk"))
            WebhookEvent.objects.filter(~Exists(told), pk__in=events).delete()
        yield len(ids)


# --- Closing ------------------------------------------------------------------------------------


def forget(organization: Organization) -> Iterator[None]:
    """Endpoints stay as ids, for the audit log. The feed goes first: without it no more events are written."""
    WebhookEndpoint.objects.filter(organization=organization).update(
        url="",
        events=[],
        enabled=False,
        disabled_reason="",
        sealed_secret="",
        sealed_old_secret="",
        old_secret_until=None,
        deleted_at=db_now(),
    )
    WebhookFeed.objects.filter(organization=organization).delete()
    yield
    for _count in _delete(WebhookDelivery.objects.filter(organization=organization).order_by(Abs("id"))):
        yield
    WebhookHost.objects.filter(organization=organization).delete()


# --- Export ---------------------------------------------------------------------------------------


def sections(organization: Organization) -> Iterator[ExportDocument | ExportFile]:
    yield ExportDocument("webhook_endpoints.json", _endpoints(organization))
    yield ExportDocument("webhook_deliveries.json", _deliveries(organization))


def _endpoints(organization: Organization) -> Iterator[Row]:
    """Without their secrets: an archive lies around."""
    for endpoint in in_batches(WebhookEndpoint.objects.filter(organization=organization)):
        yield {
            "id": endpoint.public_id,
            "livemode": endpoint.livemode,
            "url": endpoint.url,
            "events": endpoint.events,
            "enabled": endpoint.enabled,
            "disabled_reason": endpoint.disabled_reason or None,
            "created_at": endpoint.created_at,
            "deleted_at": endpoint.deleted_at,
        }


def _deliveries(organization: Organization) -> Iterator[Row]:
    rows = WebhookDelivery.objects.filter(organization=organization).select_related("endpoint")
    # By the expression that its index is of.
    numbered = rows.prefetch_related("event", "attempts").alias(number=Abs("id"))
    for delivery in in_batches(numbered, "number"):
        yield {
            "id": delivery.public_id,
            "livemode": delivery.livemode,
            "endpoint": delivery.endpoint and delivery.endpoint.public_id,
            "url": delivery.url or None,
            "event": delivery.event.type,
            "sequence": delivery.event.sequence,
            "reference": delivery.event.reference or None,
            "data": delivery.event.data,
            "status": delivery.status,
            "created_at": delivery.created_at,
            "finished_at": delivery.finished_at,
            "attempts": [
                {
                    "number": attempt.number,
                    "started_at": attempt.started_at,
                    "response_status": attempt.response_status,
                    "error": attempt.error or None,
                    "answer": attempt.answer,
                    "duration_ms": attempt.duration_ms,
                }
                for attempt in sorted(delivery.attempts.all(), key=lambda one: one.number)
            ],
        }
