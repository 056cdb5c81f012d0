"""Keys and webhooks over `/api/v1`, as flows; they need a key with the scope `admin`."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from tintype._asking import ask, segment
from tintype._fields import KEPT, Kept, given, named
from tintype._listing import Listing
from tintype._reading import read
from tintype._steps import Flow, Settings
from tintype.results import Key, Replayed, WebhookDelivery, WebhookEndpoint

# --- Keys ---------------------------------------------------------------------------------------


def create_key(
    settings: Settings,
    name: str,
    scopes: Sequence[str],
    *,
    livemode: bool | None = None,
    expires_at: datetime.datetime | None = None,
    allowed_addresses: Sequence[str] | None = None,
    rate_per_minute: int | None = None,
    burst: int | None = None,
    max_open_tasks: int | None = None,
    spend_caps: Mapping[str, int | None] | None = None,
) -> Flow[Key]:
    """The new key; `secret` is shown this once."""
    body = given(
        name=name,
        scopes=scopes,
        livemode=livemode,
        expires_at=expires_at,
        allowed_addresses=allowed_addresses,
        rate_per_minute=rate_per_minute,
        burst=burst,
        max_open_tasks=max_open_tasks,
        spend_caps=spend_caps,
    )
    answer = yield from _create(settings, "/api/v1/keys", body)
    return read(Key, answer)


def get_key(settings: Settings, key_id: str) -> Flow[Key]:
    """Limits as they are in force."""
    answer = yield from ask(settings, "GET", f"/api/v1/keys/{segment(key_id)}")
    return read(Key, answer)


def list_keys(*, page_size: int | None = None) -> Listing[Key]:
    """Newest first, with those that have ended."""
    return Listing("/api/v1/keys", Key, {"limit": page_size})


def update_key(
    settings: Settings,
    key_id: str,
    *,
    name: str | Kept = KEPT,
    scopes: Sequence[str] | Kept = KEPT,
    expires_at: datetime.datetime | Kept | None = KEPT,
    allowed_addresses: Sequence[str] | Kept = KEPT,
    rate_per_minute: int | Kept | None = KEPT,
    burst: int | Kept | None = KEPT,
    max_open_tasks: int | Kept | None = KEPT,
    spend_caps: Mapping[str, int | None] | Kept | None = KEPT,
) -> Flow[Key]:
    """What is not named stays; None takes a limit back."""
    body = named(
        name=name,
        scopes=scopes,
        expires_at=expires_at,
        allowed_addresses=allowed_addresses,
        rate_per_minute=rate_per_minute,
        burst=burst,
        max_open_tasks=max_open_tasks,
        spend_caps=spend_caps,
    )
    answer = yield from ask(settings, "PATCH", f"/api/v1/keys/{segment(key_id)}", body=body)
    return read(Key, answer)


def rotate_key(settings: Settings, key_id: str, *, overlap_seconds: int | None = None) -> Flow[Key]:
    """The new key, with its `secret`; the old one works on for the overlap, 24 hours unless given."""
    body = given(overlap_seconds=overlap_seconds)
    answer = yield from _create(settings, f"/api/v1/keys/{segment(key_id)}/rotate", body)
    return read(Key, answer)


def revoke_key(settings: Settings, key_id: str) -> Flow[Key]:
    """From the next request on it is refused."""
    answer = yield from ask(settings, "DELETE", f"/api/v1/keys/{segment(key_id)}")
    return read(Key, answer)


# --- Webhooks -----------------------------------------------------------------------------------


def create_endpoint(settings: Settings, url: str, events: Sequence[str]) -> Flow[WebhookEndpoint]:
    """An address that hears of `events`, such as `generation.succeeded`."""
    body = {"url": url, "events": list(events)}
    answer = yield from _create(settings, "/api/v1/webhook-endpoints", body)
    return read(WebhookEndpoint, answer)


def get_endpoint(settings: Settings, endpoint_id: str) -> Flow[WebhookEndpoint]:
    """As it is now."""
    answer = yield from ask(settings, "GET", f"/api/v1/webhook-endpoints/{segment(endpoint_id)}")
    return read(WebhookEndpoint, answer)


def list_endpoints(*, page_size: int | None = None) -> Listing[WebhookEndpoint]:
    """Newest first."""
    return Listing("/api/v1/webhook-endpoints", WebhookEndpoint, {"limit": page_size})


def update_endpoint(
    settings: Settings,
    endpoint_id: str,
    *,
    url: str | Kept = KEPT,
    events: Sequence[str] | Kept = KEPT,
    enabled: bool | Kept = KEPT,
) -> Flow[WebhookEndpoint]:
    """What is not named stays."""
    path = f"/api/v1/webhook-endpoints/{segment(endpoint_id)}"
    answer = yield from ask(settings, "PATCH", path, body=named(url=url, events=events, enabled=enabled))
    return read(WebhookEndpoint, answer)


def delete_endpoint(settings: Settings, endpoint_id: str) -> Flow[None]:
    """Nothing is sent there any more."""
    yield from ask(settings, "DELETE", f"/api/v1/webhook-endpoints/{segment(endpoint_id)}")


def rotate_endpoint(settings: Settings, endpoint_id: str) -> Flow[WebhookEndpoint]:
    """With its new `secret`; the one before signs as well for 24 hours."""
    path = f"/api/v1/webhook-endpoints/{segment(endpoint_id)}/rotate"
    answer = yield from _create(settings, path, {})
    return read(WebhookEndpoint, answer)


def send_test(settings: Settings, endpoint_id: str) -> Flow[WebhookDelivery]:
    """The delivery of an event `webhook.test`."""
    answer = yield from _create(settings, f"/api/v1/webhook-endpoints/{segment(endpoint_id)}/test", {})
    return read(WebhookDelivery, answer)


def list_deliveries(
    *,
    endpoint: str | None = None,
    status: str | None = None,
    event: str | None = None,
    page_size: int | None = None,
) -> Listing[WebhookDelivery]:
    """What was sent and is still to be sent, newest first. `status`: pending, succeeded or failed."""
    query = given(endpoint=endpoint, status=status, event=event, limit=page_size)
    return Listing("/api/v1/webhook-deliveries", WebhookDelivery, query)


def get_delivery(settings: Settings, delivery_id: str) -> Flow[WebhookDelivery]:
    """As it is now, with its `attempts`."""
    answer = yield from ask(settings, "GET", f"/api/v1/webhook-deliveries/{segment(delivery_id)}")
    return read(WebhookDelivery, answer)


def replay_delivery(settings: Settings, delivery_id: str) -> Flow[WebhookDelivery]:
    """Sends it once more, with the id that it had, so that receivers know it again."""
    path = f"/api/v1/webhook-deliveries/{segment(delivery_id)}/replay"
    answer = yield from _create(settings, path, {})
    return read(WebhookDelivery, answer)


def replay_failed_deliveries(
    settings: Settings, since: datetime.datetime, *, endpoint: str | None = None
) -> Flow[int]:
    """How many were sent again: all that were made since then and failed; those of `endpoint` alone."""
    body = given(since=since, endpoint=endpoint)
    answer = yield from _create(settings, "/api/v1/webhook-deliveries/replay-failed", body)
    return read(Replayed, answer).replayed


def _create(settings: Settings, path: str, body: Mapping[str, Any]) -> Flow[Any]:
    """Not repeated when it may have been carried out: a second key, say, is one that nobody holds."""
    answer = yield from ask(settings, "POST", path, body=body, idempotency_key=str(uuid.uuid4()))
    return answer
