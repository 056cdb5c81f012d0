"""`POST /webhooks/stripe`: what Stripe sent is stored once, everything else changes nothing."""

import json
import time
from typing import Any

import pytest
import stripe
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from billing import stripe_events
from billing.models import LedgerEntry, Payment, StripeEvent
from tests import scale
from tests.pages import browser_of, database_away
from tests.till import WEBHOOK_SECRET, RunningTill

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("till")]
PATH = "/webhooks/stripe"
EVENT = {
    "id": "evt_1",
    "object": "event",
    "api_version": "2026-10-28.endive",
    "type": "checkout.session.completed",
    "livemode": False,
    "created": 1_764_000_000,
    "data": {"object": {"object": "checkout.session", "id": "cs_1", "metadata": {}}},
}


def signature(body: str, *, secret: str = WEBHOOK_SECRET, at: float | None = None) -> str:
    made: str = stripe.WebhookSignature.generate_signature_header(body, secret, int(at or time.time()))
    return made


def post(body: str | bytes, header: str | None = "", client: Client | None = None) -> Any:
    """`header` "": the right one, None: none at all."""
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    headers = {} if header is None else {"Stripe-Signature": header or signature(text)}
    return (client or browser_of()).post(PATH, body, content_type="application/json", headers=headers)


def nothing_happened() -> bool:
    return not StripeEvent.objects.exists() and not LedgerEntry.objects.exists()


def test_a_signed_event_is_stored_once_and_left_to_a_task() -> None:
    for _ in range(3):
        assert post(json.dumps(EVENT)).status_code == 200
    event = StripeEvent.objects.get()
    assert (event.event_id, event.type, event.processed_at) == ("evt_1", EVENT["type"], None)
    assert event.payload["data"] == EVENT["data"]


def test_the_request_itself_never_asks_stripe(till: RunningTill) -> None:
    before = len(till.log())
    till.behave(down=True)
    assert post(json.dumps(EVENT)).status_code == 200
    assert len(till.log()) == before


@pytest.mark.parametrize(
    "header",
    [
        None,
        " ",
        "garbage",
        "t=,v1=",
        "v1=" + "0" * 64,
        "t=1764000000",
        "t=1764000000,v1=é",
        "t=1764000000,t=1764000001,v1=" + "0" * 64,
        "t=" + "9" * 400 + ",v1=" + "0" * 64,
        "t=٣٣٣,v1=" + "0" * 64,
        "t=1," * 2000,
        signature(json.dumps(EVENT), secret="whsec_of_somebody_else"),
    ],
)
def test_an_unsigned_event_is_refused(header: str | None) -> None:
    assert post(json.dumps(EVENT), header).status_code == 400
    assert nothing_happened()


@pytest.mark.parametrize("off_by_s", [-301, -86_400, 310, 86_400])
def test_a_signature_from_another_time_is_refused(off_by_s: int) -> None:
    body = json.dumps(EVENT)
    assert post(body, signature(body, at=time.time() + off_by_s)).status_code == 400
    assert nothing_happened()


def test_a_signature_of_another_body_is_refused() -> None:
    assert post(json.dumps(EVENT), signature(json.dumps(EVENT | {"id": "evt_2"}))).status_code == 400
    assert nothing_happened()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b"null",
        b"1e999",
        b'"event"',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b" " * 1_048_576,
        json.dumps(EVENT | {"filler": "x" * 1_048_576}).encode(),
        json.dumps(EVENT | {"id": None}).encode(),
        json.dumps(EVENT | {"id": ["evt_1"]}).encode(),
        json.dumps(EVENT | {"id": "e" * 256}).encode(),
        json.dumps(EVENT | {"id": "evt\x001"}).encode(),
        json.dumps(EVENT | {"id": "evt\ud8001"}).encode(),
        json.dumps(EVENT)
        .replace('"metadata": {}', '"metadata": ' + '{"a":' * 940 + "1" + "}" * 940)
        .encode(),
        json.dumps(EVENT | {"type": ""}).encode(),
        json.dumps(EVENT | {"livemode": "no"}).encode(),
        json.dumps(EVENT | {"created": 10**400}).encode(),
        json.dumps(EVENT | {"created": float("nan")}).encode(),
        json.dumps(EVENT | {"created": "yesterday"}).encode(),
        json.dumps(EVENT | {"object": "charge"}).encode(),
        json.dumps(EVENT | {"data": []}).encode(),
        json.dumps(EVENT | {"data": {"object": "cs_1"}}).encode(),
    ],
    ids=range(25),
)
def test_what_is_signed_but_no_event_is_refused(body: bytes) -> None:
    assert post(body).status_code == 400
    assert nothing_happened()


def test_other_methods_are_refused() -> None:
    assert browser_of().get(PATH).status_code == 405


@pytest.mark.parametrize(
    "change", [{"livemode": True}, {"type": "customer.created"}, {"type": "invented.event"}]
)
def test_what_is_of_no_interest_is_answered_and_not_kept(
    change: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert post(json.dumps(EVENT | change)).status_code == 200
    assert nothing_happened()
    assert "evt_1" in caplog.text


def test_odd_texts_are_stored_as_far_as_databases_can(till: RunningTill) -> None:
    event = EVENT | {"data": {"object": {"object": "charge", "id": "a\x00b\ud800c", "amount": 10**30}}}
    assert post(json.dumps(event)).status_code == 200
    row = StripeEvent.objects.get()
    assert row.payload["data"]["object"]["id"] == "ab?c"
    assert stripe_events.process(row)


def test_one_of_several_secrets_is_enough_while_they_are_rotated(settings: Any) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", WEBHOOK_SECRET]
    assert post(json.dumps(EVENT)).status_code == 200
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert post(json.dumps(EVENT | {"id": "evt_2"})).status_code == 400
    assert StripeEvent.objects.count() == 1


def test_while_the_database_is_away_stripe_is_told_to_come_again() -> None:
    with database_away():
        answer = post(json.dumps(EVENT))
    assert answer.status_code == 503
    assert answer["Retry-After"]


members = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
things = st.dictionaries(st.sampled_from(["id", "object", "payment_intent", "metadata"]), members)
near_events = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["evt_1", "evt_2"]) | members,
        "object": st.just("event") | members,
        "type": st.sampled_from(stripe_events.HANDLED) | members,
        "livemode": st.booleans() | members,
        "created": st.integers(0, 2_000_000_000) | members,
        "data": st.fixed_dictionaries({"object": things}) | members,
    },
)
bodies = near_events.map(json.dumps) | members.map(json.dumps) | st.text(max_size=60) | st.binary(max_size=60)
headers = (
    st.just("") | st.none() | st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=80)
)


def test_no_body_and_no_header_breaks_it_or_brings_a_credit(db: None) -> None:
    client = browser_of()
    tried = 0

    @hypothesis_settings(max_examples=scale.count(300, 10_000), database=None)
    @given(body=bodies, header=headers)
    def fuzz(body: str | bytes, header: str | None) -> None:
        nonlocal tried
        tried += 1
        raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        answer = post(raw, header, client)
        assert answer.status_code in (200, 400), answer.status_code
        if header is None or header:
            assert answer.status_code == 400

    fuzz()
    for event in StripeEvent.objects.all():
        stripe_events.process(event)
    assert tried >= scale.count(250, 10_000)
    assert not LedgerEntry.objects.exists()
    assert not Payment.objects.exists()
    scale.record("webhooks with made-up bodies and headers, none answered by 5xx or credited", tried, "")
