"""Guessing passwords: so many tries a minute from each address, for each account from each network, and for each
account from anywhere; the last is what an owner shares with strangers, so it is the largest.
"""

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
from tests.cast import Person
from tests.pages import browser_of, text_of
from tests.passwords import PASSWORD

EMAIL = "alice@studio.example"
RATE = Rate("sign_in", 10, 10)


def try_to_sign_in(email: str, password: str, address: str) -> HttpResponse:
    sent = {"email": email, "password": password}
    return cast(HttpResponse, browser_of().post("/sign-in/", sent, REMOTE_ADDR=address))


def tries_until_refused(try_once: Callable[[int], int]) -> int:
    """How many got in; more than the burst only if the clock gave some back meanwhile."""
    for number in range(200):
        if try_once(number) == 429:
            return number
    pytest.fail("Nobody was refused")


def test_tries_for_an_account_are_limited_wherever_they_come_from(alice: Person) -> None:
    passed = tries_until_refused(lambda n: try_to_sign_in(EMAIL, "wrong", f"10.{n}.0.1").status_code)
    assert passed >= 50
    response = try_to_sign_in(" ALICE@studio.example", PASSWORD, "198.51.100.1")
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 6
    assert f"Try again in {response.headers['Retry-After']} second" in text_of(response)
    assert EMAIL in response.content.decode().lower()


def test_stranger_in_one_network_does_not_lock_the_owner_out(alice: Person) -> None:
    passed = tries_until_refused(lambda n: try_to_sign_in(EMAIL, "wrong", f"192.0.2.{n}").status_code)
    assert 10 <= passed < 20
    for _ in range(100):  # refused tries take nothing from what is shared
        assert try_to_sign_in(EMAIL, "wrong", "192.0.2.77").status_code == 429
    assert try_to_sign_in(EMAIL, PASSWORD, "198.51.100.1").status_code == 302


def test_tries_from_an_address_are_limited_whomever_they_are_for(alice: Person) -> None:
    passed = tries_until_refused(
        lambda n: try_to_sign_in(f"guess{n}@studio.example", "wrong", "192.0.2.1").status_code
    )
    assert passed >= 10
    assert try_to_sign_in(EMAIL, PASSWORD, "192.0.2.1").status_code == 429
    assert try_to_sign_in(EMAIL, PASSWORD, "192.0.2.2").status_code == 302


def test_a_household_counts_as_one_address_in_ipv6(alice: Person) -> None:
    tries_until_refused(
        lambda n: try_to_sign_in(f"guess{n}@studio.example", "wrong", f"2001:db8::{n:x}").status_code
    )
    assert try_to_sign_in(EMAIL, PASSWORD, "2001:db8::ffff").status_code == 429
    assert try_to_sign_in(EMAIL, PASSWORD, "2001:db8:0:1::1").status_code == 302


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


@pytest.mark.parametrize(
    "page", ["/sign-up/", "/account/forgotten/", "/sign-in/passkey/", "/account/confirm/x/"]
)
def test_nothing_else_is_tried_either(db: None, closed_redis: str, settings: Settings, page: str) -> None:
    settings.REDIS_URL = closed_redis
    response = browser_of().post(page, {"email": EMAIL, "password1": PASSWORD})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")


@pytest.mark.parametrize(
    ("page", "burst"),
    [("/sign-up/", 10), ("/account/forgotten/", 10), ("/sign-in/passkey/", 40), ("/account/confirm/x/", 20)],
)
def test_every_form_for_strangers_is_limited_for_each_address(db: None, page: str, burst: int) -> None:
    def send(address: str) -> HttpResponse:
        sent = {"email": "not an address"}
        return cast(HttpResponse, browser_of().post(page, sent, REMOTE_ADDR=address))

    passed = tries_until_refused(lambda _number: send("192.0.2.1").status_code)
    assert burst <= passed < burst + 5
    response = send("192.0.2.1")
    assert int(response.headers["Retry-After"]) >= 1
    assert "Too many requests" in text_of(response)
    is_counted = page == "/sign-in/passkey/"  # each look is a challenge that is kept
    assert (browser_of().get(page, REMOTE_ADDR="192.0.2.1").status_code == 429) is is_counted
    assert send("192.0.2.2").status_code != 429


def test_uncounted_takes_are_refused_only_where_that_is_asked(closed_redis: str) -> None:
    limiter = RedisLimiter(closed_redis)
    with pytest.raises(Unavailable):
        limiter.take(one(RATE), refuse_uncounted=True)
    assert limiter.take(one(RATE)).allowed


def test_counted_takes_are_let_in() -> None:
    for limiter in (RedisLimiter(os.environ["TEST_REDIS_URL"]), ProcessLimiter()):
        assert limiter.take(one(RATE, "somebody else"), refuse_uncounted=True).allowed
