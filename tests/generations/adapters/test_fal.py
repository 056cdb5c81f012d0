"""fal's queue: a failure is COMPLETED, and its result tells."""

import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from generations.providers.base import OutcomeKind
from generations.providers.wire import ForgedWebhook, Request, Response
from tests.generations.adapters.driving import ask, drive, images_of, job, submit
from tests.upstreams.formats.fal import KEY, OTHER_KEY, signature_of
from tests.upstreams.running import Up

BODY = b'{"request_id":"r-1","status":"OK"}'


@pytest.fixture
def up(stand_in: Callable[[str], Up]) -> Up:
    return stand_in("fal")


def test_the_result_is_asked_for_as_soon_as_it_is_there(up: Up) -> None:
    driven = drive(up.adapter, up.account(), job("a lighthouse"))
    assert [answer.kind for answer in driven.answers] == ["wait", "wait", "ok"]
    completed = driven.answers[1]
    assert completed.poll_after_s == 0
    assert completed.handle != driven.answers[0].handle
    assert driven.answers[0].task_id in driven.handle["response_url"]


def test_several_images_come_of_one_request(up: Up) -> None:
    end = drive(up.adapter, up.account(), job("a lighthouse", n=2)).end
    assert len(set(images_of(end))) == 2


@pytest.mark.parametrize(
    ("word", "kind", "billed"),
    [
        ("locked", OutcomeKind.FUNDS, False),
        ("policy", OutcomeKind.REJECTED, True),
        ("nsfw", OutcomeKind.REJECTED, True),
        ("invalid", OutcomeKind.INVALID, True),
        ("broken", OutcomeKind.FAILED, False),
        ("noretry", OutcomeKind.FAILED, False),
        ("expired", OutcomeKind.TIMEOUT, False),
        ("gone", OutcomeKind.FAILED, False),
        ("lost", OutcomeKind.FAILED, False),
        ("noimages", OutcomeKind.FAILED, False),
        ("400 up:at=result", OutcomeKind.INVALID, False),
        ("403 up:at=result", OutcomeKind.ACCOUNT, False),
        ("429 up:at=result", OutcomeKind.BUSY, False),
        ("500 up:at=result", OutcomeKind.BUSY, False),
        ("html up:at=result", OutcomeKind.BUSY, False),
    ],
)
def test_ends(up: Up, word: str, kind: OutcomeKind, billed: bool) -> None:
    end = drive(up.adapter, up.account(), job(f"up:{word}")).end
    assert (end.kind, end.billed) == (kind, billed)


def test_an_order_that_is_not_to_be_tried_again_has_failed(up: Up) -> None:
    response = Response(503, {"x-fal-retryable": "false"}, b'{"detail":"no"}')
    assert up.adapter.read_submit(up.account(), job("x"), response).kind == OutcomeKind.FAILED


@pytest.mark.parametrize(("word", "stopped"), [("up:queued", True), ("", False)])
def test_only_what_had_not_begun_is_stopped_for_free(up: Up, word: str, stopped: bool) -> None:
    handle = submit(up.adapter, up.account(), job(f"{word} up:stuck")).handle
    request = up.adapter.cancel(up.account(), handle)
    assert request is not None
    assert request.method == "PUT"
    assert up.adapter.read_cancel(up.account(), handle, ask(request)) is stopped


def test_what_has_ended_cannot_be_stopped(up: Up) -> None:
    handle = drive(up.adapter, up.account(), job("a lighthouse")).handle
    request = up.adapter.cancel(up.account(), handle)
    assert request is not None
    response = ask(request)
    assert response.status == 400
    assert not up.adapter.read_cancel(up.account(), handle, response)


# --- Webhooks ---


@pytest.fixture
def keys(up: Up) -> bytes:
    return ask(Request("GET", up.keys_url)).body


def _signed(at: float | None = None, key: Ed25519PrivateKey = KEY) -> dict[str, str]:
    headers = signature_of(key, "r-1", str(int(time.time() if at is None else at)), BODY)
    return {name.lower(): value for name, value in headers.items()}


def test_a_genuine_webhook_is_accepted(up: Up, keys: bytes) -> None:
    up.adapter.verify_webhook(up.account(), _signed(), BODY, keys, time.time())


def test_the_keys_address_is_known(up: Up) -> None:
    assert up.adapter.webhook_keys_url.startswith("https://")


@pytest.mark.parametrize("age_s", [301, 86_400, -301])
def test_an_old_webhook_is_refused(up: Up, keys: bytes, age_s: float) -> None:
    now = time.time()
    with pytest.raises(ForgedWebhook, match="old"):
        up.adapter.verify_webhook(up.account(), _signed(at=now - age_s), BODY, keys, now)


@pytest.mark.parametrize(
    "change",
    [
        {"x-fal-webhook-signature": "00" * 64},
        {"x-fal-webhook-signature": "not hexadecimal"},
        {"x-fal-webhook-signature": ""},
        {"x-fal-webhook-request-id": "r-2"},
        {"x-fal-webhook-user-id": "another"},
        {"x-fal-webhook-timestamp": str(int(time.time()) + 100)},
        {"x-fal-webhook-timestamp": "nan"},
        {"x-fal-webhook-timestamp": "now"},
    ],
)
def test_a_forged_webhook_is_refused(up: Up, keys: bytes, change: dict[str, str]) -> None:
    with pytest.raises(ForgedWebhook):
        up.adapter.verify_webhook(up.account(), {**_signed(), **change}, BODY, keys, time.time())


@pytest.mark.parametrize("missing", ["request-id", "user-id", "timestamp", "signature"])
def test_a_webhook_without_a_header_is_refused(up: Up, keys: bytes, missing: str) -> None:
    headers = _signed()
    del headers[f"x-fal-webhook-{missing}"]
    # The same under another name, as replays through a proxy have it, is none of theirs.
    headers[f"x-webhook-{missing}"] = "x"
    with pytest.raises(ForgedWebhook):
        up.adapter.verify_webhook(up.account(), headers, BODY, keys, time.time())


def test_another_body_or_key_is_refused(up: Up, keys: bytes) -> None:
    with pytest.raises(ForgedWebhook):
        up.adapter.verify_webhook(up.account(), _signed(), BODY + b" ", keys, time.time())
    with pytest.raises(ForgedWebhook):
        up.adapter.verify_webhook(up.account(), _signed(key=OTHER_KEY), BODY, keys, time.time())


@pytest.mark.parametrize("keys", [b"", b"no json", b"[]", b'{"keys":[{"x":"AA"},{"x":7},null,{}]}'])
def test_without_keys_nothing_is_genuine(up: Up, keys: bytes) -> None:
    with pytest.raises(ForgedWebhook):
        up.adapter.verify_webhook(up.account(), _signed(), BODY, keys, time.time())
