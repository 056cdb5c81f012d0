"""401: who is let in, and that nobody learns why not."""

import datetime
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import keys, shops
from accounts.api_keys import revoke_api_key
from accounts.models import ApiKey
from tests.accounts.client import FOX, GENERATE, STATUS, content, error_of, generate, send
from tests.cast import Person, new_key

Spoil = Callable[[ApiKey, str], str]


def revoked(row: ApiKey, text: str) -> str:
    revoke_api_key(row)
    return text


def expired(row: ApiKey, text: str) -> str:
    ApiKey.objects.filter(pk=row.pk).update(expires_at=timezone.now() - datetime.timedelta(seconds=1))
    return text


def frozen(row: ApiKey, text: str) -> str:
    ApiKey.objects.filter(pk=row.pk).update(frozen_at=timezone.now())
    return text


def never_issued(_row: ApiKey, _text: str) -> str:
    return keys.mint(livemode=True)


def mistyped(_row: ApiKey, text: str) -> str:
    return text[:-1] + ("a" if text[-1] != "a" else "b")


def of_the_other_mode(_row: ApiKey, text: str) -> str:
    return text.replace("tt_live_", "tt_test_")


def nonsense(_row: ApiKey, _text: str) -> str:
    return "\xff" * 200


SPOILED: list[Spoil] = [revoked, expired, frozen, never_issued, mistyped, of_the_other_mode, nonsense]


@pytest.mark.parametrize("spoil", SPOILED)
def test_unusable_key_gets_the_same_body_whatever_the_cause(alice: Person, spoil: Spoil) -> None:
    text = spoil(*new_key(alice))
    answers = [
        generate(text, headers={"X-Request-Id": "same"}),
        send("GET", STATUS, key=text, headers={"X-Request-Id": "same"}),
        send("POST", GENERATE, body=FOX, headers={"X-Request-Id": "same"}),
    ]
    body = (
        '{"code":401,"message":"Invalid API key","data":null,"error":{"type":"unauthenticated","param":null,'
        f'"limit_source":null,"retry_after":null,"fix_url":"{settings.PUBLIC_URL}/keys/","request_id":"same"}}}}'
    )
    assert {answer.content for answer in answers} == {body.encode()}
    assert all("RateLimit" not in answer for answer in answers)


@pytest.mark.parametrize("spoil", SPOILED)
def test_challenge_says_invalid_token_when_a_key_was_sent(alice: Person, spoil: Spoil) -> None:
    response = generate(spoil(*new_key(alice)))
    assert response["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'


@pytest.mark.parametrize(
    "value", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Token tt_live_x", "\xfcber"]
)
def test_challenge_says_nothing_of_a_token_when_no_key_was_sent(db: None, value: str | None) -> None:
    response = send("POST", GENERATE, body=FOX, headers={} if value is None else {"Authorization": value})
    error_of(response, 401)
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


def test_bare_key_without_a_scheme_is_no_key(alice: Person) -> None:
    _row, key = new_key(alice)
    error_of(send("POST", GENERATE, body=FOX, headers={"Authorization": key}), 401)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_scheme_is_read_in_any_case(alice: Person, scheme: str) -> None:
    _row, key = new_key(alice)
    assert send("POST", GENERATE, body=FOX, headers={"Authorization": f"{scheme} {key}"}).status_code == 200


@pytest.mark.parametrize("name", ["key", "api_key", "apikey", "access_token", "token", "Authorization"])
def test_key_in_the_query_string_is_never_accepted(alice: Person, name: str) -> None:
    _row, key = new_key(alice)
    for value in (key, f"Bearer {key}"):
        response = send("POST", GENERATE, body=FOX, QUERY_STRING=urlencode({name: value}))
        error_of(response, 401)
        assert response["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize("name", ["Cookie", "X-Api-Key", "Proxy-Authorization"])
def test_key_in_another_header_is_not_accepted(alice: Person, name: str) -> None:
    _row, key = new_key(alice)
    error_of(send("POST", GENERATE, body=FOX, headers={name: f"Bearer {key}"}), 401)


@pytest.mark.parametrize("spoil", [mistyped, nonsense])
def test_wrong_checksum_costs_no_query(alice: Person, spoil: Spoil) -> None:
    text = spoil(*new_key(alice))
    shops.first_id()  # all hosts are read once a second, whoever asks
    with CaptureQueriesContext(connection) as queries:
        error_of(generate(text), 401)
    assert queries.captured_queries == []


def test_key_that_expires_later_is_good_until_then(alice: Person) -> None:
    row, key = new_key(alice, expires_at=timezone.now() + datetime.timedelta(hours=1))
    assert generate(key).status_code == 200
    expired(row, key)
    error_of(generate(key), 401)


def test_secret_is_stored_nowhere(alice: Person) -> None:
    row, key = new_key(alice)
    stored = " ".join(str(value) for value in ApiKey.objects.filter(pk=row.pk).values_list()[0])
    assert key[12:] not in stored
    assert content(generate(key))["code"] == 200
