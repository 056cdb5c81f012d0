"""A shop chained to a shop, or to a portal that takes the documentation less exactly."""

import json
from collections.abc import Callable

import pytest

from generations.providers.base import OutcomeKind
from generations.providers.wire import Response
from tests.generations.adapters.driving import ask, drive, images_of, job, submit
from tests.upstreams.running import Up


@pytest.fixture
def up(stand_in: Callable[[str], Up]) -> Up:
    return stand_in("portal")


@pytest.mark.parametrize(
    ("width", "height", "ratio"),
    [(1024, 1024, "1:1"), (1152, 864, "4:3"), (864, 1152, "3:4"), (1280, 720, "16:9"), (720, 1280, "9:16")],
)
def test_a_size_that_is_a_ratio_is_sent_as_both(up: Up, width: int, height: int, ratio: str) -> None:
    order = job("a lighthouse", width=width, height=height, seed=5, output_format="webp")
    body = up.adapter.submit(up.account(), order).body
    assert body == {
        "prompt": "a lighthouse",
        "size": f"{width}*{height}",
        "aspect_ratio": ratio,
        "seed": 5,
        "output_format": "webp",
    }


def test_other_sizes_are_sent_without_a_ratio(up: Up) -> None:
    body = up.adapter.submit(up.account(), job("a lighthouse", width=512, height=768)).body
    assert body is not None
    assert body["size"] == "512*768"
    assert "aspect_ratio" not in body


def test_an_order_sent_twice_is_one_task(up: Up) -> None:
    order = job("a lighthouse")
    first, second = (submit(up.adapter, up.account(), order).end for _ in range(2))
    assert first.task_id == second.task_id
    assert up.log()[-1]["headers"]["idempotency-key"] == order.attempt_key


@pytest.mark.parametrize("word", ["string", "direct", "direct up:string"])
def test_images_are_found_wherever_portals_put_them(up: Up, word: str) -> None:
    end = drive(up.adapter, up.account(), job(f"up:{word}")).end
    assert end.kind == OutcomeKind.OK
    assert len(images_of(end)) == 1


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("failed", OutcomeKind.FAILED),
        ("rejected", OutcomeKind.REJECTED),
        ("noimages", OutcomeKind.FAILED),
        ("noid", OutcomeKind.FAILED),
        ("blocked", OutcomeKind.REJECTED),
        ("code=401", OutcomeKind.ACCOUNT),
        ("code=402", OutcomeKind.FUNDS),
        ("code=400", OutcomeKind.INVALID),
        ("code=429", OutcomeKind.LIMITED),
        ("code=500", OutcomeKind.BUSY),
        ("gone=4", OutcomeKind.FAILED),
        ("gone=3", OutcomeKind.OK),
        ("422 up:at=poll", OutcomeKind.INVALID),
    ],
)
def test_ends(up: Up, word: str, kind: OutcomeKind) -> None:
    assert drive(up.adapter, up.account(), job(f"up:{word}")).end.kind == kind


def test_an_unknown_status_is_waited_for(up: Up) -> None:
    driven = submit(up.adapter, up.account(), job("up:unknown"))
    response = Response(200, {}, b'{"code":200,"data":{"status":"PONDERING"}}')
    answer = up.adapter.read_poll(up.account(), driven.handle, response)
    assert (answer.kind, answer.handle) == (OutcomeKind.WAIT, None)


@pytest.mark.parametrize("body", [b'{"code":"402"}', b'{"code":402,"data":{"status":"SUCCESS"}}'])
def test_a_code_of_any_type_counts(up: Up, body: bytes) -> None:
    answer = up.adapter.read_submit(up.account(), job("x"), Response(200, {}, body))
    assert answer.kind == OutcomeKind.FUNDS


@pytest.mark.parametrize(("status", "code"), [(201, 201), (202, 200), (200, 202), (200, "201")])
def test_every_kind_of_success_is_one(up: Up, status: int, code: object) -> None:
    body = {"code": code, "data": {"task_id": "1", "status": "IN_PROGRESS"}}
    response = Response(status, {}, json.dumps(body).encode())
    assert up.adapter.read_submit(up.account(), job("x"), response).kind == OutcomeKind.WAIT


def test_a_task_id_may_be_a_number(up: Up) -> None:
    response = Response(200, {}, b'{"code":200,"data":{"task_id":17,"status":"IN_PROGRESS"}}')
    answer = up.adapter.read_submit(up.account(), job("x"), response)
    assert answer.task_id == "17"
    assert answer.handle is not None
    assert up.adapter.poll(up.account(), answer.handle).url.endswith("/api/status?task_id=17")


@pytest.mark.parametrize("listed", ["[", '["http://x/1.png"', "[7]", "no address"])
def test_a_text_that_holds_no_array_holds_no_images(up: Up, listed: str) -> None:
    body = json.dumps({"code": 200, "data": {"status": "SUCCESS", "response": listed}}).encode()
    answer = up.adapter.read_poll(up.account(), {"task_id": "1"}, Response(200, {}, body))
    assert answer.kind == OutcomeKind.FAILED


def test_an_order_is_taken_back_where_that_is_known(up: Up) -> None:
    handle = submit(up.adapter, up.account(), job("a lighthouse")).handle
    request = up.adapter.cancel(up.account(), handle)
    assert request is not None
    assert request.url == f"{up.base_url}/api/v1/generations/{handle['task_id']}/cancel"
    assert not up.adapter.read_cancel(up.account(), handle, ask(request)), (
        "The documented API has no such thing"
    )
    assert not up.adapter.can_stop
    for status, body, stopped in (
        (200, b'{"object":"generation","status":"canceled"}', True),
        (200, b'{"object":"generation","status":"running"}', False),
        (200, b"<html>", False),
        (409, b'{"code":409,"message":"This task has already ended","data":null}', False),
    ):
        assert up.adapter.read_cancel(up.account(), handle, Response(status, {}, body)) is stopped


@pytest.mark.parametrize(
    ("status", "body", "unsure"),
    [
        (502, b"<html>Bad gateway</html>", True),
        (504, b'{"message":"upstream timed out"}', True),
        (200, b"<html>", True),
        (503, b'{"code":503,"message":"Too many orders are waiting","data":null}', False),
        (429, b"", False),
        (402, b"", False),
    ],
)
def test_who_is_only_in_between_does_not_know_whether_it_arrived(
    up: Up, status: int, body: bytes, unsure: bool
) -> None:
    assert up.adapter.read_submit(up.account(), job("x"), Response(status, {}, body)).unsure is unsure


def test_a_name_that_leads_to_no_shop_is_for_the_operator_to_mend(up: Up) -> None:
    body = b'{"code":421,"message":"There is no shop at this address","data":null}'
    answer = up.adapter.read_submit(up.account(), job("x"), Response(421, {}, body))
    assert answer.kind == OutcomeKind.ACCOUNT
