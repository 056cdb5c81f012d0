"""Endpoints, events, and a worker's work done step by step in the test's own thread."""

import asyncio
import ssl
from typing import Any

from accounts.models import Organization
from tests.cast import Person, access_of_user
from tests.makers import ago
from tests.webhooks.receiver import Receiver
from tests.webhooks.street import UNTRUSTING
from webhooks import errands, service, settling
from webhooks.carrying import carry
from webhooks.event_types import EVENT_TYPES
from webhooks.models import DeliveryState, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from webhooks.outbound import Door
from webhooks.publishing import publish
from webhooks.resolving import Resolve, system_resolver

FIVE_DAYS_S = 5 * 86_400


def an_endpoint(
    person: Person, receiver: Receiver, events: list[str] | None = None, *, livemode: bool = True
) -> WebhookEndpoint:
    """Of all events unless some are named; the receiver knows its secret."""
    chosen = list(EVENT_TYPES) if events is None else events
    endpoint, secret = service.create(
        access_of_user(person.user), url=receiver.url, events=chosen, livemode=livemode
    )
    receiver.secrets.append(secret)
    return endpoint


def an_event(organization: Organization, number: int = 1, **options: Any) -> None:
    publish(organization.pk, "credits.added", livemode=True, data={"credits": number}, **options)


def send_due(
    most: int = 50, *, resolve: Resolve = system_resolver, verify: ssl.SSLContext | None = None
) -> list[settling.Outcome]:
    """What is due now, one after the other."""
    outcomes = []
    for errand in errands.take_due(most):
        outcome = asyncio.run(_carried(errand, resolve, verify or UNTRUSTING))
        settling.settle(errand, outcome)
        outcomes.append(outcome)
    return outcomes


async def _carried(errand: errands.Errand, resolve: Resolve, verify: ssl.SSLContext) -> settling.Outcome:
    return await carry(Door(resolve=resolve, verify=verify), errand)


def make_due() -> int:
    """As if the pauses were over."""
    pending = WebhookDelivery.objects.filter(status=DeliveryState.PENDING)
    return pending.update(next_attempt_at=ago(1))


def send_again_and_again(rounds: int) -> None:
    for _round in range(rounds):
        make_due()
        send_due()


def states() -> list[str]:
    return list(WebhookDelivery.objects.order_by("pk").values_list("status", flat=True))


def log_of(delivery: WebhookDelivery) -> list[tuple[int | None, str]]:
    """Status and error of each attempt, oldest first."""
    attempts = WebhookAttempt.objects.filter(delivery=delivery).order_by("number")
    return list(attempts.values_list("response_status", "error"))
