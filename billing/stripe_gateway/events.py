"""What happened at Stripe, as it tells us or as we ask."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import stripe
from stripe.params import EventListParams

from billing.models import StripeAccount
from billing.stripe_gateway.facts import PAGE
from billing.stripe_gateway.line import asking, ours


def events_since(account: StripeAccount, since: datetime, types: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The newest first. Each page is asked for by itself: what comes between writes to the database."""
    for first in range(0, len(types), 20):  # it takes 20 types at most
        params: EventListParams = {
            "created": {"gte": int(since.timestamp())},
            "types": list(types[first : first + 20]),
            "limit": PAGE,
        }
        has_more = True
        while has_more:
            with asking(account) as client:
                page = client.v1.events.list(params)
            yield from (event.to_dict() for event in page.data)
            has_more = page.has_more and bool(page.data)
            if has_more:
                params["starting_after"] = page.data[-1].id


def session_of_intent(account: StripeAccount, intent_id: str) -> tuple[str, str] | None:
    """(session id, our reference) of the checkout that this intent belongs to."""
    with asking(account) as client:
        found = client.v1.checkout.sessions.list({"payment_intent": intent_id, "limit": 1}).data
        return _named(found[0]) if found else None


def sessions_of_customer(account: StripeAccount, customer_id: str) -> list[tuple[str, str]]:
    """(session id, our reference) of those among the newest twenty that were completed, the newest first."""
    with asking(account) as client:
        found = client.v1.checkout.sessions.list({"customer": customer_id, "limit": 20}).data
        return [_named(session) for session in found if session.status == "complete"]


def _named(session: stripe.checkout.Session) -> tuple[str, str]:
    return session.id, ours(session)


def is_signed(secrets: Sequence[str], body: str, header: str) -> bool:
    """By one of them; the time in it is not compared with any clock."""
    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(body, header, secret, tolerance=None)
        except stripe.SignatureVerificationError:
            continue
        return True
    return False
