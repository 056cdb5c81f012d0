"""What happened is written down for whoever listens, in the transaction in which it happens; telling comes later."""

import hashlib
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from accounts.clock import db_now
from accounts.errors import NotFound
from accounts.models import Organization
from accounts.models.tenancy import UNDO_FOR
from accounts.statements import Select, Update
from webhooks import doorbell, secrets
from webhooks.models import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookEvent, WebhookFeed
from webhooks.outbound import host_of

_listening = Select(
    lambda organization_id, livemode: WebhookEndpoint.objects.filter(
        organization_id=organization_id, livemode=livemode, enabled=True
    ).values_list("pk", "events")
)
_count = Update(
    lambda organization_id: (
        WebhookFeed.objects.filter(pk=organization_id),
        {"last_sequence": F("last_sequence") + 1},
    )
)
# Not from the moment on in which its closing may begin: by then it has no feed any more.
_is_there = Select(
    lambda organization_id: (
        Organization.objects.filter(pk=organization_id)
        .filter(Q(closing_at=None) | Q(closing_at__gt=db_now() - UNDO_FOR))
        .values_list("pk")
    )
)
_last = Select(
    lambda organization_id: WebhookFeed.objects.filter(pk=organization_id).values_list("last_sequence")
)


def publish(
    organization_id: int,
    type: str,  # noqa: A002 - the word of the wire
    *,
    livemode: bool,
    data: dict[str, Any] | None = None,
    reference: str = "",
    url: str = "",
) -> None:
    """Part of the caller's transaction, after all else that it locks: the organization's count of events stays locked
    to its end. Costs one query when nobody listens. Of a closed organization nothing is told.

    `data`, or a `reference` of which a renderer makes it (hooks.py); `url`: of an order that wants to be told there.
    """
    listening = _listening(organization_id=organization_id, livemode=livemode)
    endpoints = [pk for pk, events in listening if type in events]
    if not endpoints and not url:
        return
    with transaction.atomic():
        event = _event(organization_id, type, livemode, data, reference)
        if event is None:
            return
        deliveries = [delivery_to(event, endpoint_id=pk) for pk in endpoints]
        if url:
            deliveries.append(delivery_to(event, url=url))
        WebhookDelivery.objects.bulk_create(deliveries)
    transaction.on_commit(doorbell.ring)


@transaction.atomic
def publish_to(endpoint: WebhookEndpoint, type: str, data: dict[str, Any]) -> WebhookDelivery:  # noqa: A002 - see above
    """To this one alone, whatever it listens to. Raises NotFound once its organization is closed."""
    event = _event(endpoint.organization_id, type, endpoint.livemode, data, "")
    if event is None:
        raise NotFound
    delivery = delivery_to(event, endpoint_id=endpoint.pk)
    delivery.save()
    transaction.on_commit(doorbell.ring)
    return delivery


def _event(
    organization_id: int,
    type: str,  # noqa: A002 - see above
    livemode: bool,
    data: dict[str, Any] | None,
    reference: str,
) -> WebhookEvent | None:
    if not _count(organization_id=organization_id):
        if not _is_there(organization_id=organization_id):
            return None
        secrets.feed_of(organization_id)
        _count(organization_id=organization_id)
    [(sequence,)] = _last(organization_id=organization_id)
    event = WebhookEvent(
        organization_id=organization_id,
        livemode=livemode,
        type=type,
        sequence=sequence,
        data=data,
        reference=reference,
    )
    event.save()
    return event


def delivery_to(event: WebhookEvent, *, endpoint_id: int | None = None, url: str = "") -> WebhookDelivery:
    """Not saved."""
    target = f"we:{endpoint_id}" if endpoint_id is not None else _target_at_host(event.organization_id, url)
    return WebhookDelivery(
        organization_id=event.organization_id,
        livemode=event.livemode,
        event=event,
        endpoint_id=endpoint_id,
        url=url,
        target=target,
        status=DeliveryState.PENDING,
    )


def _target_at_host(organization_id: int, url: str) -> str:
    """Of what one host is told for one organization, whatever the rest of the address is."""
    digest = hashlib.sha256(f"{organization_id}:{host_of(url)}".encode()).hexdigest()
    return f"host:{digest[:32]}"
