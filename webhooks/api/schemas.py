"""What the endpoints for webhooks take and answer."""

from accounts.documented import Parameter
from accounts.shapes import Schema, array, body, component, flag, moment, nullable, record, text, whole, word
from webhooks.event_types import EVENT_TYPES, TEST
from webhooks.models import DeliveryState, DisabledReason

_ENDPOINT_ID, _DELIVERY_ID = "we_5f2b9c0d1e3a4b5c6d7e8f90", "msg_5f2b9c0d1e3a4b5c6d7e8f90"
ENDPOINT_ID = Parameter(
    "endpoint_id", "path", text(pattern="^we_[0-9a-f]{24}$"), "The endpoint's id.", example=_ENDPOINT_ID
)
DELIVERY_ID = Parameter(
    "delivery_id", "path", text(pattern="^msg_[0-9a-f]{24}$"), "The delivery's id.", example=_DELIVERY_ID
)

_ENDPOINT: dict[str, Schema] = {
    "id": text(example=_ENDPOINT_ID),
    "object": word(("endpoint",)),
    "livemode": flag("False: it hears of test keys' orders.", example=False),
    "url": text(format="uri", example="https://example.org/hooks"),
    "events": array(word(EVENT_TYPES), "What it hears of.", examples=[["generation.succeeded"]]),
    "enabled": flag(example=True),
    "disabled_reason": nullable(word([reason for reason in DisabledReason.values if reason])),
    "failing_since": nullable(moment()),
    "created_at": moment(),
}
ENDPOINT = component("Endpoint", record(_ENDPOINT))
NEW_ENDPOINT = component(
    "NewEndpoint",
    record(
        {**_ENDPOINT, "secret": text("What deliveries are signed with.", example="whsec_MfKQ9r8GKYqrTwjU")}
    ),
)
DELETED = record(
    {"id": text(example=_ENDPOINT_ID), "object": word(("endpoint",)), "deleted": flag(example=True)}
)

_DELIVERY: dict[str, Schema] = {
    "id": text("Also in `webhook-id`.", example=_DELIVERY_ID),
    "object": word(("delivery",)),
    "livemode": flag(example=False),
    "endpoint": nullable(text("The endpoint; null for an order's `webhook_url`.", example=_ENDPOINT_ID)),
    "url": nullable(text("The order's own address, if it is sent there.")),
    "event": word([*EVENT_TYPES, TEST], example="generation.succeeded"),
    "sequence": whole("Grows with each event of the organization.", example=8123),
    "attempt": whole("How many tries there were.", example=1),
    "status": word(DeliveryState.values, example="succeeded"),
    "response_status": nullable(whole("What your server answered last.", example=200)),
    "next_attempt_at": nullable(moment()),
    "created_at": moment(),
}
DELIVERY = component("Delivery", record(_DELIVERY))
_ATTEMPT = record(
    {
        "number": whole(example=1),
        "started_at": nullable(moment()),
        "response_status": nullable(whole(example=200)),
        "error": nullable(text("A word, where there is no answer.")),
        "answer": nullable(text("The first 500 characters of your server's answer.", example="ok")),
        "duration_ms": nullable(whole("Milliseconds.", example=41)),
    }
)
ONE_DELIVERY = component(
    "DeliveryWithAttempts",
    record(
        {
            **_DELIVERY,
            "attempts": array(_ATTEMPT),
            "body": nullable(text("As it would be sent now, to the byte; null once it is gone.")),
        }
    ),
)
REPLAYED = record({"replayed": whole("How many are sent again.", example=12)})

_URL = text(
    "https, on the public internet.", format="uri", maxLength=2048, example="https://example.org/hooks"
)
_EVENTS = array(word(EVENT_TYPES), "What it is to hear of.", minItems=1, examples=[["generation.succeeded"]])
CREATE = component(
    "CreateEndpoint",
    body({"url": _URL, "events": _EVENTS}, required=["url", "events"], additionalProperties=False),
)
CHANGE = component(
    "ChangeEndpoint",
    body(
        {"url": _URL, "events": _EVENTS, "enabled": flag("True also forgives what failed before.")},
        "What is not named stays.",
        additionalProperties=False,
    ),
)
NOTHING = component("Nothing", body({}, "An empty object.", additionalProperties=False))
REPLAY_FAILED = component(
    "ReplayFailed",
    body(
        {
            "since": moment("Those that were made since then.", example="2026-11-28T00:00:00Z"),
            "endpoint": nullable(text("Those of this endpoint alone.")),
        },
        required=["since"],
        additionalProperties=False,
    ),
)
FILTERS = (
    Parameter("endpoint", "query", text(pattern="^we_[0-9a-f]{24}$"), "Those of this endpoint alone."),
    Parameter("status", "query", word(DeliveryState.values), "Those in this state alone."),
    Parameter("event", "query", word([*EVENT_TYPES, TEST]), "Those of this kind alone."),
)
