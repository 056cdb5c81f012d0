"""A webhook is believed only with a signature that fits, as the Standard Webhooks library makes it."""

import datetime
import json

import pytest
from standardwebhooks.webhooks import Webhook

from tests.clients.stand_in import NOW, TASK
from tintype import webhooks

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps(
    {"type": "generation.succeeded", "timestamp": NOW, "sequence": 8123, "data": {"id": TASK}}
).encode()
SENT_AT = 1_800_000_000


def _headers(body: bytes = BODY, secret: str = SECRET, sent_at: int = SENT_AT) -> dict[str, str]:
    moment = datetime.datetime.fromtimestamp(sent_at, datetime.UTC)
    signature = Webhook(secret).sign("msg_1", moment, body.decode())
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(sent_at), "Webhook-Signature": signature}


def test_a_signed_event_is_read() -> None:
    event = webhooks.verify(BODY, _headers(), SECRET, now=SENT_AT)
    assert (event.type, event.sequence, event.data) == ("generation.succeeded", 8123, {"id": TASK})


def test_the_machines_clock_is_used_by_itself() -> None:
    now = int(datetime.datetime.now(datetime.UTC).timestamp())
    assert webhooks.verify(BODY.decode(), _headers(sent_at=now), SECRET).data["id"] == TASK


@pytest.mark.parametrize("late_s", [-300, 300])
def test_five_minutes_are_tolerated(late_s: int) -> None:
    webhooks.verify(BODY, _headers(), SECRET, now=SENT_AT + late_s)


@pytest.mark.parametrize("late_s", [-301, 301])
def test_more_than_five_minutes_are_not(late_s: int) -> None:
    with pytest.raises(webhooks.NotGenuine, match="too old"):
        webhooks.verify(BODY, _headers(), SECRET, now=SENT_AT + late_s)


def test_during_a_rotation_either_secret_fits() -> None:
    both = _headers()
    both["Webhook-Signature"] += " " + _headers(secret=OTHER)["Webhook-Signature"]
    for secret in (SECRET, OTHER):
        webhooks.verify(BODY, both, secret, now=SENT_AT)
    webhooks.verify(BODY, _headers(), [OTHER, SECRET], now=SENT_AT)


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (BODY.replace(b"8123", b"8124"), {}),
        (BODY + b" ", {}),
        (BODY, {"Webhook-Id": "msg_2"}),
        (BODY, {"Webhook-Timestamp": str(SENT_AT + 1)}),
        (BODY, {"Webhook-Signature": _headers(secret=OTHER)["Webhook-Signature"]}),
        (BODY, {"Webhook-Signature": _headers()["Webhook-Signature"].replace("v1,", "v2,")}),
        (BODY, {"Webhook-Signature": _headers()["Webhook-Signature"].removeprefix("v1,")}),
        (BODY, {"Webhook-Signature": "v1,"}),
        (BODY, {"Webhook-Signature": "v1,ü"}),
        (BODY, {"Webhook-Signature": ""}),
        (BODY, {"Webhook-Timestamp": "soon"}),
        (BODY, {"Webhook-Timestamp": "-1"}),
        (BODY, {"Webhook-Timestamp": "²"}),
        (BODY, {"Webhook-Id": ""}),
    ],
)
def test_whatever_was_changed_is_noticed(body: bytes, changes: dict[str, str]) -> None:
    with pytest.raises(webhooks.NotGenuine):
        webhooks.verify(body, _headers() | changes, SECRET, now=SENT_AT)


def test_without_headers_nothing_is_believed() -> None:
    with pytest.raises(webhooks.NotGenuine, match="headers"):
        webhooks.verify(BODY, {}, SECRET)


@pytest.mark.parametrize(
    "body", [b"no json", b"[]", b"{}", b'{"type":"x","timestamp":"yesterday","data":{}}']
)
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(webhooks.NotGenuine, match="no event"):
        webhooks.verify(body, _headers(body), SECRET, now=SENT_AT)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64!", []])
def test_an_empty_secret_fits_nothing(secret: str | list[str]) -> None:
    with pytest.raises((ValueError, webhooks.NotGenuine)):
        webhooks.verify(BODY, _headers(), secret, now=SENT_AT)
