"""What happened, as Stripe tells it."""

from typing import Any

from billing.till.ids import new_id
from billing.till.objects import visible
from billing.till.problems import Body
from billing.till.till import Till
from billing.till.versions import api_version


def emit(till: Till, kind: str, about: Body, previous: Body | None = None) -> Body:
    """Records the event, with `about` as it is now, and lets it be delivered once the transaction is done."""
    wanted = bool(till.settings.webhook_url)
    now = till.exact_now()
    event: Body = {
        "id": new_id("evt"),
        "object": "event",
        "account": None,
        "api_version": api_version(),
        "context": None,
        "created": int(now),
        "data": {"object": visible(about)},
        "livemode": False,
        "pending_webhooks": int(wanted),
        "request": dict(till.request),
        "type": kind,
    }
    if previous is not None:
        event["data"]["previous_attributes"] = previous
    till.store.put(event)
    if till.behaviour.webhooks != "drop":
        deliver(till, event["id"])
    return event


def deliver(till: Till, event_id: str) -> None:
    """As soon as may be, also again; nowhere when nobody wants to hear of it."""
    if not till.settings.webhook_url:
        return
    now = till.exact_now()
    sql = "INSERT INTO deliveries (account, event, first_at, due_at) VALUES (?, ?, ?, ?)"
    till.store.rows(sql, till.store.account, event_id, now, now)


def change(till: Till, kind: str, body: Body, **changes: Any) -> Body:
    """Stores the changed object, and tells of it by `kind` (nothing when that is empty)."""
    previous = {name: body.get(name) for name, value in changes.items() if body.get(name) != value}
    body |= changes
    till.store.put(body)
    if kind:
        emit(till, kind, body, {k: v for k, v in previous.items() if not k.startswith("_")})
    return body
