"""RateLimit on every answer to a key, true to the number."""

from typing import Any

import pytest
from pytest_django import Settings

from accounts import throttling
from accounts.access import access_of_key
from accounts.models import ApiKey
from accounts.rates import ask_to_read
from accounts.throttling import ProcessLimiter, limiter
from billing.ledger import take
from tests.accounts.client import FOX, GENERATE, STATUS, error_of, generate, send, stated, status, task_of
from tests.cast import Person, new_key


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No token comes back while a test counts them."""
    monkeypatch.setattr(throttling, "_limiter", ProcessLimiter(lambda: 10**9))


@pytest.fixture
def key(alice: Person) -> str:
    return new_key(alice)[1]


def test_burst_of_creations_counts_down_to_429(key: str, settings: Settings) -> None:
    settings.MAX_OPEN_TASKS = 100
    answers = [generate(key) for _ in range(22)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429] * 2
    assert [stated(answer) for answer in answers] == [
        ("create", left, 1) for left in [*range(19, -1, -1), 0, 0]
    ]
    assert {answer["RateLimit-Policy"] for answer in answers} == {'"create";q=20;w=20'}
    error = error_of(answers[-1], 429)
    assert (error["type"], error["limit_source"], error["retry_after"]) == ("rate_limited", "key", 1)


def test_polling_is_counted_apart_from_creating(key: str) -> None:
    task = task_of(generate(key))
    first = status(key, task)
    assert stated(first) == ("read", 119, 1)
    assert first["RateLimit-Policy"] == '"read";q=120;w=12'
    row = ApiKey.objects.get()
    for _ in range(116):
        assert limiter().take(ask_to_read(access_of_key(row))).allowed
    answers = [status(key, task) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
    assert [stated(answer) for answer in answers] == [("read", left, 1) for left in (2, 1, 0, 0, 0)]
    assert stated(generate(key)) == ("create", 18, 1)


BAD_ANSWERS: list[tuple[int, dict[str, Any]]] = [
    (400, {"body": b"{"}),
    (400, {"body": {"prompt": ""}}),
    (413, {"tintype.body_problem": "too_large"}),
    (408, {"tintype.body_problem": "timeout"}),
    (415, {"content_type": "text/plain"}),
]


@pytest.mark.parametrize(("code", "request_"), BAD_ANSWERS)
def test_refused_orders_state_the_rate_and_count(key: str, code: int, request_: dict[str, Any]) -> None:
    for left in (19, 18):
        response = generate(key, **request_)
        error_of(response, code)
        assert stated(response) == ("create", left, 1)


def test_402_404_and_503_state_the_rate(alice: Person, key: str, settings: Settings) -> None:
    settings.DEMO = False
    response = generate(key)
    assert (response.status_code, stated(response)) == (503, ("create", 19, 1))
    settings.DEMO = True
    take(alice.organization.pk, 1500, reference="manual:1", actor="system")
    response = generate(key)
    assert (response.status_code, stated(response)) == (402, ("create", 18, 1))
    response = status(key, "task_unknown")
    assert (response.status_code, stated(response)) == (404, ("read", 119, 1))


@pytest.mark.parametrize(("method", "path"), [("GET", GENERATE), ("POST", STATUS), ("POST", "/api/nothing")])
def test_answers_before_the_key_is_read_state_no_rate(key: str, method: str, path: str) -> None:
    response = send(method, path, key=key, body=FOX)
    assert response.status_code in {404, 405}
    assert "RateLimit" not in response
    assert "RateLimit-Policy" not in response


def test_key_has_limits_of_its_own(alice: Person) -> None:
    _row, key = new_key(alice, rate_per_minute=6, burst=2)
    answers = [generate(key) for _ in range(3)]
    assert [stated(answer) for answer in answers] == [("create", 1, 10), ("create", 0, 10), ("create", 0, 10)]
    assert answers[0]["RateLimit-Policy"] == '"create";q=2;w=20'
    assert error_of(answers[2], 429)["retry_after"] == 10
    assert stated(status(key, "task_x")) == ("read", 119, 1)


def test_changed_limit_counts_from_the_next_request(alice: Person) -> None:
    row, key = new_key(alice, burst=2)
    generate(key)
    ApiKey.objects.filter(pk=row.pk).update(burst=10)
    assert stated(generate(key)) == ("create", 8, 1)


def test_keys_of_one_organization_have_buckets_of_their_own(alice: Person, key: str) -> None:
    assert stated(generate(key)) == ("create", 19, 1)
    assert stated(generate(new_key(alice)[1])) == ("create", 19, 1)


def test_repeated_idempotency_key_is_counted_as_a_read(key: str) -> None:
    answers = [generate(key, headers={"Idempotency-Key": "once"}) for _ in range(3)]
    assert [stated(answer)[:2] for answer in answers] == [("create", 19), ("read", 119), ("read", 118)]
    assert stated(generate(key)) == ("create", 18, 1)


def test_retry_after_is_never_earlier_than_the_stated_reset(alice: Person, settings: Settings) -> None:
    settings.MAX_OPEN_TASKS = 1
    _row, key = new_key(alice, rate_per_minute=6, burst=5)
    generate(key)
    response = generate(key)
    assert error_of(response, 429)["type"] == "too_many_open_tasks"
    assert int(response["Retry-After"]) >= stated(response)[2]
    settings.DEMO = False
    response = generate(key)
    assert error_of(response, 503)["retry_after"] >= stated(response)[2]
    _row, key = new_key(alice, livemode=False, rate_per_minute=6, burst=5)
    response = generate(key, FOX | {"prompt": "sandbox:429"})
    assert error_of(response, 429)["retry_after"] >= stated(response)[2]
