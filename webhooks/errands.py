"""What is due is taken, each delivery by one worker: claimed by compare-and-set, under a lease, with an attempt in the
log before anybody hears of it. A worker that dies leaves its deliveries to the next once their leases are over.
"""

import datetime
import json
import logging
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from accounts.clock import db_now, read_db_now
from accounts.sealing import Unreadable
from webhooks import hooks, secrets
from webhooks.models import DeliveryState, WebhookAttempt, WebhookDelivery, WebhookEndpoint

logger = logging.getLogger(__name__)

# Far longer than a try may take.
LEASE = datetime.timedelta(seconds=60)
# Of one address at once, in all workers; of one that fails, so that those that work are not kept waiting.
AT_ONCE, AT_ONCE_FAILING = 4, 1
MOST_LOOKS = 20
GONE, NO_SECRET, INTERNAL = "gone", "no_secret", "internal"


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be sent, all of it. `problem`: why it cannot be, a machine word; then nothing is sent."""

    delivery_id: int
    attempt_id: int
    claim: int
    step: int
    organization_id: int
    endpoint_id: int | None
    url: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    problem: str = ""


def take_due(most: int) -> list[Errand]:
    """At most so many, those first that wait longest; of each address no more than its share."""
    errands: list[Errand] = []
    under_way = _under_way()
    for _look in range(MOST_LOOKS):
        full = [target for target, count in under_way.items() if count >= AT_ONCE]
        due = list(_due().exclude(target__in=full)[: most - len(errands)]) if len(errands) < most else []
        if not due:
            break
        for delivery in due:
            share = AT_ONCE_FAILING if _fails(delivery) else AT_ONCE
            if under_way[delivery.target] >= share:
                under_way[delivery.target] = AT_ONCE  # passed over from here on
                continue
            attempt_id = claim(delivery)
            if attempt_id is not None:
                under_way[delivery.target] += 1
                errands.append(prepare(delivery, attempt_id))
    return errands


def anything_due() -> bool:
    return _due().exists()


def _due() -> "QuerySet[WebhookDelivery]":
    return (
        WebhookDelivery.objects.unfinished()
        .filter(
            Q(lease_until=None) | Q(lease_until__lte=db_now()),
            Q(endpoint=None) | Q(endpoint__enabled=True),
            next_attempt_at__lte=db_now(),
        )
        .select_related("endpoint", "event")
        .order_by("next_attempt_at", "pk")
    )


def _under_way() -> Counter[str]:
    leased = WebhookDelivery.objects.filter(lease_until__gt=db_now(), lease_until__isnull=False)
    counted = leased.values_list("target", "endpoint__failing_since").annotate(count=Count("pk")).order_by()
    under_way: Counter[str] = Counter()
    for target, failing_since, count in counted:
        # Full from the first on, so that no look is spent on a dead one's backlog.
        is_full = failing_since is not None and count >= AT_ONCE_FAILING
        under_way[target] += AT_ONCE if is_full else count
    return under_way


def _fails(delivery: WebhookDelivery) -> bool:
    return delivery.endpoint is not None and delivery.endpoint.failing_since is not None


def claim(delivery: WebhookDelivery) -> int | None:
    """The id of our attempt: of all who saw it due, one gets it, the others None. None also when its endpoint was
    switched off meanwhile.
    """
    works = WebhookEndpoint.objects.filter(pk=OuterRef("endpoint_id"), enabled=True)
    with transaction.atomic():
        ours = WebhookDelivery.objects.filter(
            Q(endpoint=None) | Exists(works),
            pk=delivery.pk,
            status=DeliveryState.PENDING,
            claim=delivery.claim,
        )
        if not ours.update(claim=F("claim") + 1, lease_until=db_now() + LEASE):
            return None
        attempt = WebhookAttempt.objects.create(delivery_id=delivery.pk, number=delivery.claim + 1)
    delivery.claim += 1
    return attempt.pk


def prepare(delivery: WebhookDelivery, attempt_id: int) -> Errand:
    """Of one that was just claimed: its body, signed now."""
    facts: dict[str, Any] = {
        "delivery_id": delivery.pk,
        "attempt_id": attempt_id,
        "claim": delivery.claim,
        "step": delivery.step,
        "organization_id": delivery.organization_id,
        "endpoint_id": delivery.endpoint_id,
        "url": delivery.address,
    }
    try:
        body = body_of(delivery)
        if body is None:
            return Errand(**facts, problem=GONE)
        headers = tuple(signed_headers(delivery, body).items())
    except Unreadable:
        logger.error("%s: its secret was sealed with a key that is not known any more", delivery)
        return Errand(**facts, problem=NO_SECRET)
    except Exception:  # one that cannot be made ready must not stop all behind it
        logger.exception("%s could not be made ready", delivery)
        return Errand(**facts, problem=INTERNAL)
    return Errand(**facts, body=body.encode(), headers=headers)


def body_of(delivery: WebhookDelivery) -> str | None:
    """What is sent, as it would be now; None when it is gone for good."""
    event = delivery.event
    data = event.data
    if data is None:
        kind, _colon, rest = event.reference.partition(":")
        render = hooks.renderers.get(kind)
        data = render(rest) if render is not None else None
    if data is None:
        return None
    moment = event.created_at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"type": event.type, "timestamp": moment, "sequence": event.sequence, "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def signed_headers(delivery: WebhookDelivery, body: str) -> dict[str, str]:
    """Raises Unreadable."""
    moment = read_db_now()
    signer = delivery.endpoint or secrets.feed_of(delivery.organization_id)
    return {
        "Content-Type": "application/json",
        "webhook-id": delivery.public_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": secrets.signatures(signer, delivery.public_id, moment, body),
    }


def most_at_once() -> int:
    """In one process."""
    most: int = settings.WEBHOOKS_AT_ONCE
    return most
