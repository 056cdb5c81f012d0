"""What happened at Stripe, as it tells us or as we ask."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import stripe
from django.conf import settings

from billing.stripe_gateway.facts import PAGE
from billing.stripe_gateway.line import asking, ours


def events_since(since: datetime, types: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Oldest last, as webhooks would bring them."""
    with asking() as client:
        for first in range(0, len(types), 20):  # it takes 20 types at most
            events = client.v1.events.list(
                {
                    "created": {"gte": int(since.timestamp())},
                    "types": list(types[first : first + 20]),
                    "limit": PAGE,
                }
            )
            for event in events.auto_paging_iter():
                yield event.to_dict()


def session_of_intent(intent_id: str) -> tuple[str, str] | None:
    """(session id, our reference) of the checkout that this intent belongs to."""
    with asking() as client:
        found = client.v1.checkout.sessions.list({"payment_intent": intent_id, "limit": 1}).data
        return _named(found[0]) if found else None


def sessions_of_customer(customer_id: str) -> list[tuple[str, str]]:
    """(session id, our reference) of the newest twenty."""
    with asking() as client:
        found = client.v1.checkout.sessions.list({"customer": customer_id, "limit": 20}).data
        return [_named(session) for session in found]


def _named(session: stripe.checkout.Session) -> tuple[str, str]:
    return session.id, ours(session)


def is_signed(body: str, header: str) -> bool:
    """By one of settings.STRIPE_WEBHOOK_SECRETS; the time in it is not compared with any clock."""
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            stripe.WebhookSignature.verify_header(body, header, secret, tolerance=None)
        except stripe.SignatureVerificationError:
            continue
        return True
    return False
