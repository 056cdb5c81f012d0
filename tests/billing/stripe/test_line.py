"""The line to Stripe: never in a transaction, one version, and what each kind of trouble means."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import stripe
from django.db import transaction
from pytest_django import Settings

from accounts.shops import first_shop
from billing import checkout, stripe_gateway
from billing.errors import PaymentsAway
from billing.models import StripeAccount
from billing.stripe_gateway import credentials, silence
from billing.stripe_gateway.errors import CardDeclined, KeyRefused, StripeAway, StripeRefused
from tests.billing.stripe.buying import Buyer
from tests.till import RunningTill

NewBuyer = Callable[[], Buyer]


def a_question() -> list[tuple[str, str]]:
    return stripe_gateway.events.sessions_of_customer(ours(), "cus_1")


def ours() -> StripeAccount:
    return credentials.account_of(first_shop().pk)


@pytest.mark.django_db
def test_stripe_is_never_asked_inside_a_transaction(till: RunningTill, new_buyer: NewBuyer) -> None:
    before = len(till.log())
    with transaction.atomic(), pytest.raises(RuntimeError, match="never asked inside a transaction"):
        new_buyer().starts()
    assert len(till.log()) == before


@pytest.mark.django_db
def test_the_version_of_the_api_is_pinned_to_what_the_library_knows(till: RunningTill) -> None:
    """A new release of the library brings another: then somebody has to read what changed."""
    assert stripe.api_version == stripe_gateway.line.API_VERSION
    with stripe_gateway.line.asking(ours()) as client:
        answer = client.v1.events.list({"limit": 1})
    assert answer.last_response is not None
    assert answer.last_response.headers["Stripe-Version"] == stripe_gateway.line.API_VERSION


# --- What its errors mean -------------------------------------------------------------------------


@contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    """A Stripe that says one thing; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def error(**fields: object) -> str:
    return json.dumps({"error": {"message": "no", **fields}})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (200, "half an ans", StripeAway),
        (500, error(type="api_error"), StripeAway),
        (502, "<html>Bad gateway</html>", StripeAway),
        (503, "", StripeAway),
        (429, error(type="invalid_request_error", code="rate_limit"), StripeAway),
        (409, error(type="idempotency_error", code="idempotency_key_in_use"), StripeAway),
        (400, error(type="invalid_request_error", code="resource_missing", param="customer"), StripeRefused),
        (400, error(type="idempotency_error"), StripeRefused),
        (401, error(type="invalid_request_error"), KeyRefused),
        (403, error(type="invalid_request_error"), StripeRefused),
        (402, error(type="card_error", code="card_declined"), CardDeclined),
    ],
)
def test_what_each_answer_means(
    till: RunningTill, settings: Settings, status: int, body: str, meaning: type[Exception]
) -> None:
    with answering(status, body) as settings.STRIPE_API_BASE, pytest.raises(meaning) as raised:
        a_question()
    assert type(raised.value) is meaning
    if isinstance(raised.value, StripeRefused) and "param" in body:
        assert (raised.value.code, raised.value.param) == ("resource_missing", "customer")


@pytest.mark.django_db
def test_nobody_at_the_address_is_away(till: RunningTill, settings: Settings) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    with pytest.raises(StripeAway):
        a_question()


@pytest.mark.django_db
def test_messages_do_not_repeat_the_key(till: RunningTill, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_this_stays_between_us"
    with pytest.raises(StripeRefused) as refused:
        a_question()
    assert "between_us" not in str(refused.value)


# --- A Stripe that hangs --------------------------------------------------------------------------


@pytest.fixture
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(stripe_gateway.line, "HASTY_S", (0.2, 0.2))
    yield
    silence.end()


@pytest.mark.django_db
@pytest.mark.usefixtures("_in_a_hurry")
def test_after_one_has_waited_in_vain_pages_do_not_wait_again(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    buyer.starts()
    till.behave(frozen=True)
    before = len(till.log())
    with pytest.raises(PaymentsAway):
        buyer.starts()
    assert len(till.log()) == before + 1, "A time-out is not tried again."
    pages: list[Callable[[], object]] = [buyer.starts, lambda: checkout.portal_url(buyer.access)]
    for page in pages:
        with pytest.raises(PaymentsAway):
            page()
    assert len(till.log()) == before + 1, "Nobody else waited."
    till.behave(frozen=False)
    a_question()  # as a sweep asks
    assert buyer.starts().session_id, "One answer, and pages ask again."


@pytest.mark.django_db
@pytest.mark.usefixtures("_in_a_hurry")
def test_a_quick_refusal_of_the_connection_silences_nobody(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    till.behave(lose_answers=3)
    with pytest.raises(PaymentsAway):
        buyer.starts()
    assert not silence.lasts()
    assert buyer.starts().session_id
