"""Replicate's predictions, and how an order whose answer was lost is found again."""

import base64
import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from generations.providers.base import AfterCrash, OutcomeKind
from generations.providers.http import NoAnswer
from generations.providers.wire import ForgedWebhook, Response
from tests.generations.adapters.driving import ask, drive, job, submit
from tests.upstreams.formats.replicate import signature_of
from tests.upstreams.running import Up

BODY = b'{"id":"p-1","status":"succeeded"}'
DATE = "Tue, 24 Nov 2026 12:00:00 GMT"


@pytest.fixture
def up(stand_in: Callable[[str], Up]) -> Up:
    return stand_in("replicate")


@pytest.mark.parametrize(("output_format", "theirs"), [("jpeg", "jpg"), ("png", "png"), ("webp", "webp")])
def test_formats_have_their_names(up: Up, output_format: str, theirs: str) -> None:
    request = up.adapter.submit(up.account(), job("x", output_format=output_format))
    assert request.body is not None
    assert request.body["input"]["output_format"] == theirs
    assert request.headers["Cancel-After"] == "2m"


@pytest.mark.parametrize(
    ("word", "kind", "billed"),
    [
        ("failed", OutcomeKind.FAILED, False),
        ("nsfw", OutcomeKind.REJECTED, False),
        ("nooutput", OutcomeKind.FAILED, False),
        ("canceled", OutcomeKind.TIMEOUT, True),
        ("aborted", OutcomeKind.TIMEOUT, False),
        ("lost", OutcomeKind.FAILED, False),
        ("422 up:at=poll", OutcomeKind.INVALID, False),
    ],
)
def test_ends(up: Up, word: str, kind: OutcomeKind, billed: bool) -> None:
    end = drive(up.adapter, up.account(), job(f"up:{word}")).end
    assert (end.kind, end.billed) == (kind, billed)


def test_the_reason_of_a_failure_is_recorded(up: Up) -> None:
    assert "illegal memory access" in drive(up.adapter, up.account(), job("up:failed")).end.detail


def test_a_throttled_order_waits_as_long_as_they_say(up: Up) -> None:
    end = submit(up.adapter, up.account(), job("up:429")).end
    assert (end.kind, end.poll_after_s) == (OutcomeKind.BUSY, 30)


@pytest.mark.parametrize(("word", "stopped"), [("up:queued", True), ("", False)])
def test_only_what_had_not_begun_is_stopped_for_free(up: Up, word: str, stopped: bool) -> None:
    handle = submit(up.adapter, up.account(), job(f"{word} up:stuck")).handle
    request = up.adapter.cancel(up.account(), handle)
    assert request is not None
    assert up.adapter.read_cancel(up.account(), handle, ask(request)) is stopped
    # It reads as if Cancel-After had struck; that we asked for it is known to the order's own row.
    answer = up.adapter.read_poll(up.account(), handle, ask(up.adapter.poll(up.account(), handle)))
    assert answer.kind == OutcomeKind.TIMEOUT


# --- Looking up ---


def test_an_order_whose_answer_was_lost_is_found(up: Up) -> None:
    assert up.adapter.after_crash == AfterCrash.LOOK_UP
    order = job("up:crash a lighthouse", seed=771)
    with pytest.raises(NoAnswer):
        submit(up.adapter, up.account(), order)
    found = up.adapter.read_look_up(up.account(), order, ask(up.adapter.look_up(up.account(), order)))
    assert found is not None
    assert [answer.kind for answer in found] == [OutcomeKind.WAIT]
    assert found[0].task_id
    assert found[0].handle is not None
    end = up.adapter.read_poll(
        up.account(), found[0].handle, ask(up.adapter.poll(up.account(), found[0].handle))
    )
    assert end.kind == OutcomeKind.OK


def test_an_order_that_never_arrived_is_not_found(up: Up) -> None:
    submit(up.adapter, up.account(), job("a lighthouse", seed=881))
    for order in (job("a lighthouse", seed=882), job("another lighthouse", seed=881)):
        response = ask(up.adapter.look_up(up.account(), order))
        assert up.adapter.read_look_up(up.account(), order, response) == []


def _listed(entries: list[dict[str, Any]], *, more: bool = False) -> Response:
    body = {"results": entries, "next": "https://api.replicate.com/v1/predictions?cursor=x" if more else None}
    return Response(200, {"date": DATE}, json.dumps(body).encode())


def _entry(up: Up, **changes: Any) -> dict[str, Any]:
    usual = {
        "id": "p1",
        "created_at": "2026-11-24T11:58:00.123456Z",
        "input": {"prompt": "x", "seed": 42},
        "urls": {"get": f"{up.base_url}/v1/predictions/p1"},
    }
    return {**usual, **changes}


def test_only_recent_ones_with_our_webhook_are_ours(up: Up) -> None:
    account = up.account(webhook_url="https://shop.example/w/1")
    mine = _entry(up, webhook="https://shop.example/w/1")
    others = [
        _entry(up, id="p2", webhook="https://shop.example/w/2"),
        _entry(up, id="p3", created_at="2026-11-24T10:59:00Z"),
        _entry(up, id="p4", input={"prompt": "x", "seed": "42"}),
        _entry(up, id="p5", input=None),
        _entry(up, id="p6", urls={"get": "https://elsewhere.example/p6"}),
    ]
    found = up.adapter.read_look_up(account, job("x"), _listed([*others, mine]))
    assert found is not None
    assert [answer.task_id for answer in found] == ["p1"]


@pytest.mark.parametrize("host", ["https://shop.example", "http://127.0.0.1:8000", "https://[shop"])
def test_ours_is_known_by_its_order_and_not_by_the_host_that_the_shop_had_then(up: Up, host: str) -> None:
    """Not found, it would be ordered, and paid, a second time."""
    account = up.account(webhook_url="https://renamed.example/hooks/upstream/task_1/2")
    mine = _entry(up, webhook=f"{host}/hooks/upstream/task_1/2")
    others = [_entry(up, webhook=f"{host}/hooks/upstream/task_{place}") for place in ("1/1", "2/2", "1/2/3")]
    found = up.adapter.read_look_up(account, job("x"), _listed([*others, mine]))
    assert found is not None
    assert len(found) == (0 if "[" in host else 1), "That is no address"


def test_a_page_that_does_not_reach_back_far_enough_tells_nothing(up: Up) -> None:
    other = _entry(up, input={"prompt": "another", "seed": 1})
    old = _entry(up, input={"prompt": "another", "seed": 1}, created_at="2026-11-24T10:00:00Z")
    assert up.adapter.read_look_up(up.account(), job("x"), _listed([other], more=True)) is None
    assert up.adapter.read_look_up(up.account(), job("x"), _listed([other, old], more=True)) == []


def test_what_cannot_be_compared_or_asked_for_tells_nothing(up: Up) -> None:
    nameless = _entry(up, input={})
    elsewhere = _entry(up, urls={"get": "https://elsewhere.example/p6"})
    for entry in (nameless, elsewhere):
        assert up.adapter.read_look_up(up.account(), job("x"), _listed([entry])) is None


@pytest.mark.parametrize("response", [Response(500, {}, b""), Response(200, {}, b"<html>")])
def test_an_answer_that_is_none_tells_nothing(up: Up, response: Response) -> None:
    assert up.adapter.read_look_up(up.account(), job("x"), response) is None


# --- Webhooks ---


def _signed(up: Up, change: dict[str, str] | None = None, at: float | None = None) -> dict[str, str]:
    changes = dict(change or {})
    secret = changes.pop("secret", up.webhook_secret)
    headers = signature_of(secret, "msg_1", int(time.time() if at is None else at), BODY)
    return {**{name.lower(): value for name, value in headers.items()}, **changes}


def test_a_genuine_webhook_is_accepted(up: Up) -> None:
    headers = _signed(up)
    up.adapter.verify_webhook(up.account(), headers, BODY, b"", time.time())
    # During a change of secrets they sign with both.
    headers["webhook-signature"] = f"v1,AAAA {headers['webhook-signature']}"
    up.adapter.verify_webhook(up.account(), headers, BODY, b"", time.time())


@pytest.mark.parametrize("age_s", [301, -301])
def test_an_old_webhook_is_refused(up: Up, age_s: float) -> None:
    now = time.time()
    with pytest.raises(ForgedWebhook, match="old"):
        up.adapter.verify_webhook(up.account(), _signed(up, at=now - age_s), BODY, b"", now)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": str(int(time.time()) + 100)},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "é,é é"},
        {"secret": "whsec_" + base64.b64encode(b"another").decode()},
    ],
)
def test_a_forged_webhook_is_refused(up: Up, change: dict[str, str]) -> None:
    with pytest.raises(ForgedWebhook):
        up.adapter.verify_webhook(up.account(), _signed(up, change), BODY, b"", time.time())


def test_headers_under_other_names_do_not_count(up: Up) -> None:
    headers = {name.replace("webhook-", "svix-"): value for name, value in _signed(up).items()}
    with pytest.raises(ForgedWebhook):
        up.adapter.verify_webhook(up.account(), headers, BODY, b"", time.time())


@pytest.mark.parametrize("body", [BODY + b" ", b"\xff\xfe"])
def test_another_body_is_refused(up: Up, body: bytes) -> None:
    with pytest.raises(ForgedWebhook):
        up.adapter.verify_webhook(up.account(), _signed(up), body, b"", time.time())


@pytest.mark.parametrize("secret", ["", "whsec_", "not base64", "whsec_é", "whsec_A"])
def test_without_a_secret_nothing_is_genuine(up: Up, secret: str) -> None:
    account = dataclasses.replace(up.account(), webhook_secret=secret)
    with pytest.raises(ForgedWebhook):
        up.adapter.verify_webhook(account, _signed(up), BODY, b"", time.time())
