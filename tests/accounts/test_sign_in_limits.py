"""Guessing passwords: ten tries a minute for each account and from each address."""

import os
import socket
from collections.abc import Callable
from typing import cast

import pytest
from django.http import HttpResponse
from pytest_django import Settings

from accounts.errors import Unavailable
from accounts.gcra import Rate
from accounts.throttling import ProcessLimiter, RedisLimiter
from tests.accounts.asks import one
from tests.cast import PASSWORD, Person
from tests.pages import browser_of, text_of

EMAIL = "alice@studio.example"
RATE = Rate("sign_in", 10, 10)


def try_to_sign_in(email: str, password: str, address: str) -> HttpResponse:
    sent = {"email": email, "password": password}
    return cast(HttpResponse, browser_of().post("/sign-in/", sent, REMOTE_ADDR=address))


def tries_until_refused(try_once: Callable[[int], int]) -> int:
    """How many got in; ten, and more only if the clock gave one back meanwhile."""
    for number in range(100):
        if try_once(number) == 429:
            return number
    pytest.fail("Nobody was refused")


def test_tries_for_an_account_are_limited_wherever_they_come_from(alice: Person) -> None:
    passed = tries_until_refused(lambda n: try_to_sign_in(EMAIL, "wrong", f"192.0.2.{n}").status_code)
    assert passed >= 10
    response = try_to_sign_in(" ALICE@studio.example", PASSWORD, "198.51.100.1")
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 6
    assert f"Try again in {response.headers['Retry-After']} second" in text_of(response)
    assert EMAIL in response.content.decode().lower()


def test_tries_from_an_address_are_limited_whomever_they_are_for(alice: Person) -> None:
    passed = tries_until_refused(
        lambda n: try_to_sign_in(f"guess{n}@studio.example", "wrong", "192.0.2.1").status_code
    )
    assert passed >= 10
    assert try_to_sign_in(EMAIL, PASSWORD, "192.0.2.1").status_code == 429
    assert try_to_sign_in(EMAIL, PASSWORD, "192.0.2.2").status_code == 302


def test_looking_at_the_form_is_no_try(alice: Person) -> None:
    for _ in range(12):
        assert browser_of().get("/sign-in/", REMOTE_ADDR="192.0.2.1").status_code == 200
    assert try_to_sign_in(EMAIL, PASSWORD, "192.0.2.1").status_code == 302


@pytest.fixture
def closed_redis() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def test_nobody_signs_in_while_tries_cannot_be_counted(
    alice: Person, closed_redis: str, settings: Settings
) -> None:
    settings.REDIS_URL = closed_redis
    for _ in range(2):
        response = try_to_sign_in(EMAIL, PASSWORD, "192.0.2.1")
        assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
        assert "The shop is away for a moment" in text_of(response)


def test_uncounted_takes_are_refused_only_where_that_is_asked(closed_redis: str) -> None:
    limiter = RedisLimiter(closed_redis)
    with pytest.raises(Unavailable):
        limiter.take(one(RATE), refuse_uncounted=True)
    assert limiter.take(one(RATE)).allowed


def test_counted_takes_are_let_in() -> None:
    for limiter in (RedisLimiter(os.environ["TEST_REDIS_URL"]), ProcessLimiter()):
        assert limiter.take(one(RATE, "somebody else"), refuse_uncounted=True).allowed
