"""Whether and when a request is sent again: pure functions, and the flow with answers handed to it."""

import datetime
import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.clients.stand_in import KEY, Reply, error
from tintype import ApiError, ConnectionFailed, Retries
from tintype._asking import ask
from tintype._steps import Answer, Flow, Request, Settings, Sleep
from tintype.retries import may_repeat, retry_after_s

NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
REFUSED = ConnectionFailed("refused", was_sent=False)
BROKEN = ConnectionFailed("broke off", was_sent=True)


def _steps(
    flow: Flow[Any], outcomes: Sequence[Reply | ConnectionFailed]
) -> tuple[list[float], list[Request], Any]:
    """Pauses, requests, and what it returned or raised; no connection, and no time passes."""
    pauses, requests, left = [], [], list(outcomes)
    try:
        step = next(flow)
        while True:
            if isinstance(step, Sleep):
                pauses.append(step.seconds)
                step = flow.send(None)
                continue
            assert isinstance(step, Request)
            requests.append(step)
            outcome = left.pop(0)
            step = flow.send(_answer(outcome) if isinstance(outcome, Reply) else outcome)
    except StopIteration as done:
        assert not left
        return pauses, requests, done.value
    except (ApiError, ConnectionFailed) as failure:
        assert not left
        return pauses, requests, failure


def _answer(reply: Reply) -> Answer:
    headers = {name.lower(): value for name, value in reply.headers.items()}
    return Answer(reply.status, headers, json.dumps(reply.body).encode())


def _post(retries: Retries | None = None, **options: Any) -> Flow[Any]:
    settings = Settings("http://shop.example", KEY, 30.0, retries or Retries())
    return ask(settings, "POST", "/api/v1/x", body={}, **options)


FINE = Reply(200, {"fine": True})


@pytest.mark.parametrize(
    "refusal",
    [
        error(429, "rate_limited", retry_after=7),
        error(503, "overloaded", retry_after=7),
        error(409, "idempotency_in_flight", retry_after=7),
    ],
)
def test_retry_after_is_waited_for_and_never_cut_short(refusal: Reply) -> None:
    pauses, requests, result = _steps(_post(idempotency_key="once", is_repeatable=True), [refusal, FINE])
    [pause] = pauses
    assert 7 <= pause <= 8
    assert [request.headers["Idempotency-Key"] for request in requests] == ["once", "once"]
    assert result == {"fine": True}


def test_each_attempt_has_a_request_id_of_its_own_and_the_same_body() -> None:
    _, requests, _ = _steps(_post(is_repeatable=True), [BROKEN, error(500, "internal"), FINE])
    assert len({request.headers["X-Request-Id"] for request in requests}) == 3
    assert len({request.body for request in requests}) == 1


def test_a_retry_after_that_takes_longer_than_there_is_time_is_not_waited_for() -> None:
    pauses, _, result = _steps(_post(Retries(total_s=5)), [error(429, "rate_limited", retry_after=6)])
    assert pauses == []
    assert isinstance(result, ApiError)
    assert result.retry_after == 6


def test_a_retry_after_in_the_body_alone_counts_and_is_never_negative() -> None:
    for said, waited in ((3, 3), (-3, 0)):
        refusal = error(429, "rate_limited", retry_after=said)
        [pause], _, _ = _steps(_post(), [Reply(429, refusal.body), FINE])
        assert waited <= pause <= waited + 1


def test_attempts_are_counted() -> None:
    pauses, requests, result = _steps(_post(Retries(attempts=3)), [REFUSED] * 3)
    assert (len(pauses), len(requests), result) == (2, 3, REFUSED)


@pytest.mark.parametrize(
    "maybe_done", [BROKEN, error(500, "internal"), error(503, "unavailable"), Reply(504)]
)
def test_what_may_have_been_done_is_sent_again_only_where_that_does_no_harm(
    maybe_done: Reply | ConnectionFailed,
) -> None:
    _, once, _ = _steps(_post(is_repeatable=False), [maybe_done])
    _, twice, _ = _steps(_post(is_repeatable=True), [maybe_done, FINE])
    assert (len(once), len(twice)) == (1, 2)


def test_what_was_surely_not_done_is_always_sent_again() -> None:
    _, requests, _ = _steps(
        _post(is_repeatable=False), [REFUSED, error(429, "rate_limited", retry_after=1), FINE]
    )
    assert len(requests) == 3


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "invalid_field"),
        (401, "unauthenticated"),
        (402, "insufficient_credits"),
        (403, "insufficient_scope"),
        (404, "not_found"),
        (409, "already_ended"),
        (422, "idempotency_mismatch"),
    ],
)
def test_a_no_is_final(status: int, word: str) -> None:
    assert not may_repeat(status, word, is_repeatable=True)


def test_pauses_double_up_to_a_bound_and_differ_by_up_to_half() -> None:
    retries = Retries(attempts=9, total_s=1000, first_s=1, longest_s=8)
    assert [retries.pause_s(made, 0, None, 1.0) for made in range(1, 6)] == [1, 2, 4, 8, 8]
    assert [retries.pause_s(made, 0, None, 0.0) for made in range(1, 6)] == [0.5, 1, 2, 4, 4]


def test_no_request_begins_after_the_total_time() -> None:
    retries = Retries(total_s=60, first_s=1)
    assert retries.pause_s(1, 59.0, None, 1.0) == 1
    assert retries.pause_s(1, 59.5, None, 1.0) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-1", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": text}, NOON) == seconds
