"""What goes over the wire, and what comes of answers that fail or never come: real sockets, both clients."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.stand_in import KEY, TASK, Cut, Drop, Reply, Silence, StandIn, error
from tests.processes import free_port
from tintype import (
    NO_RETRIES,
    ConfigurationError,
    ConnectionFailed,
    RateLimited,
    Retries,
    ServerError,
    TimedOut,
    Tintype,
    UnexpectedAnswer,
)

Asked = Callable[..., Any]


def test_the_key_is_sent_as_bearer_and_in_nothing_else(ask: Asked, stand_in: StandIn) -> None:
    ask(lambda shop: shop.balance())
    [seen] = stand_in.seen
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["user-agent"].startswith("tintype-python/")
    assert re.fullmatch("req_[0-9a-f]{24}", seen.headers["x-request-id"])
    assert KEY not in seen.path + str(seen.query)


def test_an_order_sends_what_was_given_and_nothing_else(ask: Asked, stand_in: StandIn) -> None:
    ask(lambda shop: shop.generations.create("a fox", size="512x512", seed=7, n=2, metadata={"order": "12"}))
    assert stand_in.seen[0].body == {
        "prompt": "a fox", "size": "512x512", "seed": 7, "n": 2, "metadata": {"order": "12"},
    }  # fmt: skip


@pytest.mark.parametrize("lost", [Drop(is_done=True), Cut(is_done=True), error(500, "internal")])
def test_an_answer_that_is_lost_after_the_order_was_taken_is_not_paid_twice(
    ask: Asked, stand_in: StandIn, lost: Drop | Reply
) -> None:
    stand_in.then(lost)
    generation = ask(lambda shop: shop.generations.create("a lighthouse", aspect_ratio="16:9"))
    first, second = stand_in.seen
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body
    assert list(stand_in.orders) == [first.headers["idempotency-key"]]
    assert generation.id == TASK


def test_without_the_same_idempotency_key_the_lost_order_would_be_paid_twice(
    ask: Asked, stand_in: StandIn
) -> None:
    """The control: two calls are two orders."""
    stand_in.then(Drop(is_done=True))
    with pytest.raises(ConnectionFailed):
        ask(lambda shop: shop.generations.create("a lighthouse"), retries=NO_RETRIES)
    ask(lambda shop: shop.generations.create("a lighthouse"))
    assert len(stand_in.orders) == 2


def test_an_idempotency_key_of_ones_own_is_used(ask: Asked, stand_in: StandIn) -> None:
    for _ in range(2):
        ask(lambda shop: shop.generations.create("a lighthouse", idempotency_key="order-12"))
    assert list(stand_in.orders) == ["order-12"]


def test_making_a_key_is_not_repeated_when_it_may_have_been_made(ask: Asked, stand_in: StandIn) -> None:
    stand_in.then(Drop())
    with pytest.raises(ConnectionFailed) as failed:
        ask(lambda shop: shop.keys.create("ci", ["generate"]))
    assert failed.value.was_sent
    assert len(stand_in.seen) == 1


@pytest.mark.parametrize(
    "refusal", [error(429, "rate_limited", retry_after=0), Reply(502, b"<html>"), Drop(), Cut()]
)
def test_reading_is_repeated(ask: Asked, stand_in: StandIn, refusal: Reply | Drop) -> None:
    stand_in.then(refusal, refusal)
    assert ask(lambda shop: shop.balance()).available == 285
    assert len(stand_in.seen) == 3


def test_attempts_are_bounded(ask: Asked, stand_in: StandIn) -> None:
    stand_in.then(*[error(429, "rate_limited", retry_after=0)] * 9)
    with pytest.raises(RateLimited):
        ask(lambda shop: shop.balance(), retries=Retries(attempts=3, first_s=0.001))
    assert len(stand_in.seen) == 3


def test_an_answer_that_does_not_come_in_time_is_a_timeout(ask: Asked, stand_in: StandIn) -> None:
    stand_in.then(Silence())
    with pytest.raises(TimedOut, match="did not answer in time") as failed:
        ask(lambda shop: shop.balance(), timeout_s=0.2, retries=NO_RETRIES)
    assert failed.value.was_sent
    assert failed.value.request_id == stand_in.seen[0].headers["x-request-id"]


def test_a_shop_that_is_away_is_known_not_to_have_heard(ask: Asked) -> None:
    with pytest.raises(ConnectionFailed, match="cannot be reached") as failed:
        ask(lambda shop: shop.balance(), base_url=f"http://127.0.0.1:{free_port()}", retries=NO_RETRIES)
    assert not failed.value.was_sent


def test_a_page_instead_of_an_answer_is_said_plainly(ask: Asked, stand_in: StandIn) -> None:
    stand_in.then(Reply(200, b"<html>Welcome", {"Content-Type": "text/html"}))
    with pytest.raises(UnexpectedAnswer, match="not JSON"):
        ask(lambda shop: shop.balance())


def test_the_key_does_not_follow_a_redirect(ask: Asked, stand_in: StandIn) -> None:
    stand_in.then(Reply(301, None, {"Location": "http://127.0.0.1:9/elsewhere"}))
    with pytest.raises(UnexpectedAnswer, match="leads elsewhere"):
        ask(lambda shop: shop.balance())
    assert len(stand_in.seen) == 1


def test_an_id_stays_one_part_of_the_path(ask: Asked, stand_in: StandIn) -> None:
    stand_in.then(error(404, "not_found"))
    with pytest.raises(Exception, match="No"):
        ask(lambda shop: shop.generations.get("../keys?x=1"))
    assert stand_in.seen[0].path == "/api/v1/generations/..%2Fkeys%3Fx%3D1"


def test_the_key_is_in_no_repr_and_no_error(ask: Asked, stand_in: StandIn) -> None:
    stand_in.then(Reply(500, {"message": "odd"}))
    with pytest.raises(ServerError) as failed:
        ask(lambda shop: shop.balance(), retries=NO_RETRIES)
    with Tintype(KEY, stand_in.base_url) as shop:
        texts = [repr(shop), repr(shop.settings), repr(failed.value), str(failed.value)]
        texts.append(repr(shop.keys.rotate("key_1")))
    assert KEY not in "".join(texts)


@pytest.mark.parametrize(
    "url", ["shop.example", "ftp://shop.example", "http://", "http://[", "http://x?key=1"]
)
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="looks like"):
        Tintype(KEY, url)


@pytest.mark.parametrize("key", ["", "two words", "tt_live_ü", "tt_live_\r\nX: y"])
def test_a_key_that_cannot_be_one_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Tintype(key, "http://127.0.0.1:9")
    assert not key or key not in str(refused.value)


def test_key_and_address_come_from_the_environment(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINTYPE_API_KEY", KEY)
    monkeypatch.setenv("TINTYPE_BASE_URL", stand_in.base_url + "/")
    with Tintype() as shop:
        assert shop.balance().available == 285
    assert stand_in.seen[0].path == "/api/v1/balance"
