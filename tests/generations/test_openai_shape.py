"""Every error below /v1/ has OpenAI's shape, whoever says it."""

from typing import Any

import pytest
from django.http import HttpResponse
from pytest_django import Settings

from accounts.gcra import Bucket, Decision, Rate
from billing import ledger
from generations.api.openai_errors import duration, rate_headers
from generations.models import Generation
from tests.accounts.client import content, send
from tests.cast import Person, new_key

IMAGES, MODELS = "/v1/images/generations", "/v1/models"
FOX = {"prompt": "a fox"}


def told(response: HttpResponse) -> tuple[int, str, str]:
    """Status, type and code of an error, whose shape is checked."""
    body = content(response)
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert list(error)[:4] == ["message", "type", "param", "code"]
    assert error["message"]
    assert response["X-Request-Id"]
    assert response["Cache-Control"] == "no-store"
    return response.status_code, error["type"], error["code"]


@pytest.mark.parametrize("path", ["/v1/", "/v1/nothing", "/v1/images/generations/", "/v1/%ff", "/v1/models/"])
def test_unknown_address(path: str) -> None:
    assert told(send("POST", path)) == (404, "invalid_request_error", "not_found")


def test_no_and_unknown_key_look_the_same_but_for_the_challenge(db: None) -> None:
    for method, path in (("POST", IMAGES), ("GET", MODELS), ("GET", f"{MODELS}/z-image-turbo")):
        for key in (None, "tt_live_" + "a" * 36):
            response = send(method, path, key=key, body=FOX)
            assert told(response) == (401, "invalid_request_error", "invalid_api_key")
            assert ("invalid_token" in response["WWW-Authenticate"]) == (key is not None)


def test_method_comes_before_the_key() -> None:
    response = send("GET", IMAGES)
    assert told(response) == (405, "invalid_request_error", "method_not_allowed")
    assert response["Allow"] == "POST"


def test_bodies_that_cannot_be_read(alice: Person) -> None:
    key = new_key(alice)[1]
    too_large: dict[str, Any]
    too_slow: dict[str, Any]
    too_large, too_slow = ({"tintype.body_problem": word} for word in ("too_large", "timeout"))
    for answer, expected in (
        (send("POST", IMAGES, key=key, **too_large), (413, "body_too_large")),
        (send("POST", IMAGES, key=key, **too_slow), (408, "body_timeout")),
        (send("POST", IMAGES, key=key, content_type="text/plain"), (415, "unsupported_media_type")),
        (send("POST", IMAGES, key=key, body=b"{"), (400, "invalid_json")),
    ):
        status, kind, code = told(answer)
        assert ((status, code), kind) == (expected, "invalid_request_error")
    assert not Generation.objects.exists()


def test_problem_json_is_not_spoken_here(alice: Person) -> None:
    headers = {"Accept": "application/problem+json"}
    response = send("POST", IMAGES, key=new_key(alice)[1], body={"prompt": ""}, headers=headers)
    assert told(response) == (400, "invalid_request_error", "invalid_value")
    assert response["Content-Type"] == "application/json"


def test_what_is_owed_is_out_of_quota_and_not_tried_again(alice: Person, settings: Settings) -> None:
    ledger.claw_back(alice.organization.pk, 2000, value_micros=0, reference="manual:1", actor="system")
    response = send("POST", IMAGES, key=new_key(alice)[1], body=FOX)
    assert told(response) == (429, "insufficient_quota", "insufficient_quota")
    assert response["x-should-retry"] == "false"
    error = content(response)["error"]
    assert (error["owed"], error["fix_url"]) == (500, f"{settings.PUBLIC_URL}/credits/")


def test_open_tasks_are_worth_another_try(alice: Person) -> None:
    key = new_key(alice)[1]
    ledger.set_open_limit(alice.organization.pk, 0)
    response = send("POST", IMAGES, key=key, body=FOX)
    assert told(response) == (429, "requests", "rate_limit_exceeded")
    assert response["Retry-After"] == "2"
    assert "x-should-retry" not in response


def test_place_is_taken_before_anything_is_ordered(alice: Person, settings: Settings) -> None:
    settings.MAX_WAITING = 0
    response = send("POST", IMAGES, key=new_key(alice)[1], body=FOX)
    assert told(response) == (429, "requests", "rate_limit_exceeded")
    assert response["Retry-After"] in ("1", "2")
    assert not Generation.objects.exists()


def test_order_that_takes_longer_goes_on_and_is_named(alice: Person, settings: Settings) -> None:
    settings.OPENAI_WAIT_S = 0.01
    response = send("POST", IMAGES, key=new_key(alice)[1], body=FOX)
    [order] = Generation.objects.all()
    assert told(response) == (504, "server_error", "still_running")
    assert content(response)["error"]["task_id"] == order.task_id
    assert (response["x-should-retry"], order.status) == ("false", "queued")


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "0s"),
        (1, "1ms"),
        (100_000, "100ms"),
        (1_000_000, "1s"),
        (59_000_001, "1m0s"),
        (360_000_000, "6m0s"),
        (3_600_000_000, "1h0m0s"),
    ],
)
def test_durations_are_written_as_these_clients_read_them(us: int, text: str) -> None:
    assert duration(us) == text


@pytest.mark.parametrize("ahead_us", [0, 1, 1_500_000, 3_000_000])
def test_rate_headers_are_the_limiters_own_numbers(ahead_us: int) -> None:
    rate = Rate("create", 60, 3)
    headers = rate_headers(Decision.of(True, [Bucket("key:1", rate)], [ahead_us]))
    assert headers == {
        "x-ratelimit-limit-requests": "3",
        "x-ratelimit-remaining-requests": str((3_000_000 - ahead_us) // 1_000_000),
        "x-ratelimit-reset-requests": duration(ahead_us),
    }
