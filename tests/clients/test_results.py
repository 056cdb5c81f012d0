"""Answers become typed results: tolerant of what is added, plain about what is missing."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.stand_in import API_KEY, DELIVERY, ENDPOINT, KEY, RECEIPT, TASK, Reply, StandIn
from tintype import Estimate, Generation, Image, Key, UnexpectedAnswer
from tintype._reading import read

Asked = Callable[..., Any]

AS_ACCEPTED = {"id": TASK, "status": "queued", "progress": 0}


def test_times_bear_their_zone_and_parts_are_typed(ask: Asked) -> None:
    task_id = ask(lambda shop: shop.generations.create("a lighthouse")).id
    receipt = ask(lambda shop: shop.generations.receipt(task_id))
    assert receipt.hold.at == datetime.datetime(2026, 11, 22, 18, 3, 11, tzinfo=datetime.UTC)
    assert (receipt.hold.credits, receipt.attempts[0].seconds) == (15, 1.21)
    assert (receipt.settlement.kind, receipt.available_after) == ("capture", RECEIPT["available_after"])


def test_members_that_were_added_are_let_pass_and_can_be_read() -> None:
    image = {"url": "http://shop.example/i/1", "blurhash": "LKO2"}
    generation = read(Generation, AS_ACCEPTED | {"queue": {"place": 3}, "images": [image]})
    assert generation.raw["queue"] == {"place": 3}
    assert generation.images[0].raw["blurhash"] == "LKO2"


def test_a_status_that_is_not_known_yet_has_not_ended() -> None:
    assert not read(Generation, AS_ACCEPTED | {"status": "upscaling"}).has_ended


@pytest.mark.parametrize(
    ("kind", "data", "named"),
    [
        (Generation, {"status": "queued"}, "lacks Generation.id"),
        (
            Generation,
            AS_ACCEPTED | {"progress": "half"},
            r"Generation.progress is of an unexpected kind: str",
        ),
        (Generation, AS_ACCEPTED | {"progress": True}, "Generation.progress"),
        (Generation, AS_ACCEPTED | {"images": {}}, "Generation.images"),
        (Generation, AS_ACCEPTED | {"images": [{"url": None}]}, r"Generation.images\[0\].url"),
        (Generation, AS_ACCEPTED | {"metadata": []}, "Generation.metadata"),
        (Generation, AS_ACCEPTED | {"created_at": "yesterday"}, "Generation.created_at"),
        (Generation, AS_ACCEPTED | {"created_at": "2026-11-22T18:03:11"}, "Generation.created_at"),
        (Estimate, None, "Estimate is of an unexpected kind"),
        (Estimate, {"price_credits": 1.5, "available": 1, "affordable": True}, "Estimate.price_credits"),
    ],
)
def test_what_is_missing_or_of_another_type_is_named(kind: type, data: object, named: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=named):
        read(kind, data)


def test_a_secret_is_there_and_not_shown() -> None:
    key = read(Key, API_KEY | {"secret": KEY})
    assert key.secret == KEY
    assert KEY not in repr(key)


def test_results_are_told_apart_by_what_they_say() -> None:
    assert read(Image, {"url": "u"}) == read(Image, {"url": "u", "added": 1})


MANAGING: list[tuple[Callable[[Any], Any], str, str, Any, Any]] = [
    (lambda shop: shop.keys.create("ci", ["read"], spend_caps={"day": 5}), "POST", "/keys",
     {"name": "ci", "scopes": ["read"], "spend_caps": {"day": 5}}, API_KEY),
    (lambda shop: shop.keys.get("key_1"), "GET", "/keys/key_1", None, API_KEY),
    (lambda shop: shop.keys.update("key_1", burst=None, name="b"), "PATCH", "/keys/key_1",
     {"name": "b", "burst": None}, API_KEY),
    (lambda shop: shop.keys.update("key_1", expires_at=datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)),
     "PATCH", "/keys/key_1", {"expires_at": "2027-01-01T00:00:00+00:00"}, API_KEY),
    (lambda shop: shop.keys.rotate("key_1", overlap_seconds=60), "POST", "/keys/key_1/rotate",
     {"overlap_seconds": 60}, API_KEY),
    (lambda shop: shop.keys.revoke("key_1"), "DELETE", "/keys/key_1", None, API_KEY),
    (lambda shop: shop.webhook_endpoints.create("https://a.example", ["credits.low"]), "POST",
     "/webhook-endpoints", {"url": "https://a.example", "events": ["credits.low"]}, ENDPOINT),
    (lambda shop: shop.webhook_endpoints.get("we_1"), "GET", "/webhook-endpoints/we_1", None, ENDPOINT),
    (lambda shop: shop.webhook_endpoints.update("we_1", enabled=False), "PATCH", "/webhook-endpoints/we_1",
     {"enabled": False}, ENDPOINT),
    (lambda shop: shop.webhook_endpoints.rotate("we_1"), "POST", "/webhook-endpoints/we_1/rotate", {},
     ENDPOINT | {"secret": "whsec_aa"}),
    (lambda shop: shop.webhook_endpoints.test("we_1"), "POST", "/webhook-endpoints/we_1/test", {}, DELIVERY),
    (lambda shop: shop.webhook_endpoints.delete("we_1"), "DELETE", "/webhook-endpoints/we_1", None, None),
    (lambda shop: shop.webhook_deliveries.get("msg_1"), "GET", "/webhook-deliveries/msg_1", None, DELIVERY),
    (lambda shop: shop.webhook_deliveries.replay("msg_1"), "POST", "/webhook-deliveries/msg_1/replay",
     {}, DELIVERY),
    (lambda shop: shop.estimate(n=2), "POST", "/estimate",
     {"prompt": "an image", "aspect_ratio": "1:1", "n": 2},
     {"price_credits": 30, "available": 285, "affordable": True}),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "method", "path", "body", "answer"), MANAGING)
def test_each_operation_asks_at_its_address(
    ask: Asked, stand_in: StandIn, operation: Any, method: str, path: str, body: Any, answer: Any
) -> None:
    stand_in.then(Reply(200 if answer else 204, answer))
    result = ask(operation)
    [seen] = stand_in.seen
    assert (seen.method, seen.path, seen.body) == (method, f"/api/v1{path}", body)
    assert (result.raw if answer else result) == answer


def test_a_time_without_a_zone_is_refused_before_it_is_sent(ask: Asked, stand_in: StandIn) -> None:
    when = datetime.datetime(2027, 1, 1)  # noqa: DTZ001 - the mistake
    with pytest.raises(ValueError, match="zone"):
        ask(lambda shop: shop.keys.create("ci", ["read"], expires_at=when))
    assert stand_in.seen == []
