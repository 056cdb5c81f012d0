"""WaveSpeed: HTTP 200 and code 200 are no success yet."""

import time
from collections.abc import Callable

import pytest

from generations.providers.base import OutcomeKind
from generations.providers.wire import ForgedWebhook, Response
from tests.generations.adapters.driving import drive, job, submit
from tests.upstreams.formats.wavespeed import signature_of
from tests.upstreams.running import Up

BODY = b'{"id":"p-1","status":"completed"}'


@pytest.fixture
def up(stand_in: Callable[[str], Up]) -> Up:
    return stand_in("wavespeed")


@pytest.mark.parametrize(
    ("word", "kind", "billed"),
    [
        ("failed", OutcomeKind.FAILED, False),
        ("nsfw", OutcomeKind.REJECTED, True),
        ("noimages", OutcomeKind.FAILED, False),
        ("lost", OutcomeKind.FAILED, False),
        ("running=2", OutcomeKind.OK, False),
        ("code=401", OutcomeKind.ACCOUNT, False),
        ("code=402", OutcomeKind.FUNDS, False),
        ("code=403", OutcomeKind.ACCOUNT, False),
        ("code=400", OutcomeKind.INVALID, False),
        ("code=422", OutcomeKind.INVALID, False),
        ("code=429", OutcomeKind.BUSY, False),
        ("code=500", OutcomeKind.BUSY, False),
        ("code=9999", OutcomeKind.BUSY, False),
    ],
)
def test_ends(up: Up, word: str, kind: OutcomeKind, billed: bool) -> None:
    end = drive(up.adapter, up.account(), job(f"up:{word}")).end
    assert (end.kind, end.billed) == (kind, billed)


def test_the_reason_of_a_failure_is_recorded(up: Up) -> None:
    assert "Out of capacity" in drive(up.adapter, up.account(), job("up:failed")).end.detail


@pytest.mark.parametrize("status", [200, 400, 504])
def test_an_order_that_still_runs_is_never_sent_again(up: Up, status: int) -> None:
    response = Response(status, {}, b'{"code":5004,"message":"still running"}')
    answer = up.adapter.read_submit(up.account(), job("x"), response)
    assert (answer.kind, answer.billed) == (OutcomeKind.FAILED, True)
    assert up.adapter.read_poll(up.account(), {"get": up.base_url}, response).kind == OutcomeKind.WAIT


def test_they_cannot_be_told_to_stop(up: Up) -> None:
    handle = submit(up.adapter, up.account(), job("a lighthouse")).handle
    assert up.adapter.cancel(up.account(), handle) is None


# --- Webhooks ---


def _signed(up: Up, change: dict[str, str] | None = None, at: float | None = None) -> dict[str, str]:
    changes = dict(change or {})
    secret = changes.pop("secret", up.webhook_secret)
    headers = signature_of(secret, "p-1", str(int(time.time() if at is None else at)), BODY)
    return {**headers, **changes}


def test_a_genuine_webhook_is_accepted(up: Up) -> None:
    up.adapter.verify_webhook(up.account(), _signed(up), BODY, b"", time.time())


@pytest.mark.parametrize("age_s", [301, -301])
def test_an_old_webhook_is_refused(up: Up, age_s: float) -> None:
    now = time.time()
    with pytest.raises(ForgedWebhook, match="old"):
        up.adapter.verify_webhook(up.account(), _signed(up, at=now - age_s), BODY, b"", now)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "p-2"},
        {"webhook-id": ""},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": str(int(time.time()) + 100)},
        {"webhook-signature": ""},
        {"webhook-signature": "v3,00"},
        {"webhook-signature": "é"},
        {"secret": "whsec_another"},
    ],
)
def test_a_forged_webhook_is_refused(up: Up, change: dict[str, str]) -> None:
    with pytest.raises(ForgedWebhook):
        up.adapter.verify_webhook(up.account(), _signed(up, change), BODY, b"", time.time())


def test_headers_under_other_names_do_not_count(up: Up) -> None:
    headers = {name.replace("webhook-", "x-webhook-"): value for name, value in _signed(up).items()}
    with pytest.raises(ForgedWebhook):
        up.adapter.verify_webhook(up.account(), headers, BODY, b"", time.time())


def test_another_body_is_refused(up: Up) -> None:
    with pytest.raises(ForgedWebhook):
        up.adapter.verify_webhook(up.account(), _signed(up), BODY + b" ", b"", time.time())


@pytest.mark.parametrize("secret", ["", "whsec_"])
def test_without_a_secret_nothing_is_genuine(up: Up, secret: str) -> None:
    headers = _signed(up, {"secret": secret})
    with pytest.raises(ForgedWebhook):
        up.adapter.verify_webhook(up.account(webhook_secret=secret), headers, BODY, b"", time.time())
