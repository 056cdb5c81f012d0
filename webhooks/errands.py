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
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.clock import db_now, read_db_now
from accounts.sealing import Unreadable
from webhooks import hooks, secrets
from webhooks.models import (
    DeliveryState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookFeed,
    WebhookHost,
)

logger = logging.getLogger(__name__)

# Far longer than a try may take.
LEASE = datetime.timedelta(seconds=60)
# Of one address at once, in all workers; of one that fails only one, so that those that work are not kept waiting.
AT_ONCE = 4
MOST_LOOKS = 20
GONE, NO_SECRET, INTERNAL = "gone", "no_secret", "internal"


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be sent, all of it. `problem`: why it cannot be, a machine word; then nothing is sent."""

    delivery_id: int
    attempt_id: int
    claim: int
    step: int
    replays: int
    target: str
    organization_id: int
    endpoint_id: int | None
    url: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    problem: str = ""


class _Shares:
    """How many are under way, in all workers: of each address, and of each organization."""

    def __init__(self) -> None:
        self._of_target: Counter[str] = Counter()
        self._of_organization: Counter[int] = Counter()
        leased = _with_failures(
            WebhookDelivery.objects.filter(lease_until__gt=db_now(), lease_until__isnull=False)
        )
        for target, organization_id, fails in leased.values_list("target", "organization_id", "fails"):
            self.add(target, organization_id, fails=fails)

    def add(self, target: str, organization_id: int, *, fails: bool) -> None:
        # One that fails is full from the first on, so that no look is spent on a dead one's backlog.
        self._of_target[target] += AT_ONCE if fails else 1
        self._of_organization[organization_id] += 1

    def has_room(self, target: str, organization_id: int) -> bool:
        return target not in self.full_targets() and organization_id not in self.full_organizations()

    def full_targets(self) -> list[str]:
        return [target for target, count in self._of_target.items() if count >= AT_ONCE]

    def full_organizations(self) -> list[int]:
        most = most_of_one_organization()
        return [pk for pk, count in self._of_organization.items() if count >= most]


def take_due(most: int) -> list[Errand]:
    """At most so many, those first that wait longest; of each address and organization no more than its share."""
    errands: list[Errand] = []
    shares = _Shares()
    for _look in range(MOST_LOOKS):
        if len(errands) >= most:
            break
        due = _due().exclude(target__in=shares.full_targets())
        due = due.exclude(organization__in=shares.full_organizations())
        found = list(_with_failures(due)[: most - len(errands)])
        if not found:
            break
        for delivery in found:
            if not shares.has_room(delivery.target, delivery.organization_id):
                continue  # passed over from the next look on
            attempt_id = claim(delivery)
            if attempt_id is not None:
                shares.add(delivery.target, delivery.organization_id, fails=delivery.fails)
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


def _with_failures(deliveries: "QuerySet[WebhookDelivery]") -> "QuerySet[Any]":
    """`fails`: so far nothing has got through to where it goes, since it began to fail."""
    host = WebhookHost.objects.filter(target=OuterRef("target"))
    return deliveries.annotate(fails=Q(endpoint__failing_since__isnull=False) | Exists(host))


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
        "replays": delivery.replays,
        "target": delivery.target,
        "organization_id": delivery.organization_id,
        "endpoint_id": delivery.endpoint_id,
        "url": delivery.address,
    }
    try:
        body = body_of(delivery)
        if body is None:
            return Errand(**facts, problem=GONE)
        headers = tuple(signed_headers(delivery, body).items())
    except WebhookFeed.DoesNotExist:
        return Errand(**facts, problem=GONE)
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
    """Raises Unreadable, and DoesNotExist once its organization is closed."""
    moment = read_db_now()
    signer = delivery.endpoint or WebhookFeed.objects.get(pk=delivery.organization_id)
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


def most_of_one_organization() -> int:
    """In all workers: its slow receivers leave most of a process to the others."""
    return max(1, most_at_once() // 4)
