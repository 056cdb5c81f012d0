"""The one shape of errors: the envelope, and RFC 9457 for those who ask for it."""

import logging
from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.organizations import suspend
from billing import ledger
from config.api import USUAL_RETRY_S
from config.pages import server_error
from tests.accounts.client import GENERATE, STATUS, content, data_of, error_of, generate, send, status
from tests.cast import Person, new_key

PROBLEM = {"Accept": "application/problem+json"}


def test_envelope_has_one_shape_for_routes_that_do_not_exist() -> None:
    response = send("GET", "/api/nothing", headers={"X-Request-Id": "same"})
    assert response.content == (
        b'{"code":404,"message":"Not found","data":null,"error":{"type":"not_found","param":null,'
        b'"limit_source":null,"retry_after":null,"fix_url":null,"request_id":"same"}}'
    )
    assert response["Content-Type"] == "application/json"


def test_programs_are_answered_in_english_and_nothing_of_it_is_kept_on_the_way(
    alice: Person, settings: Settings
) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    german, key = {"Accept-Language": "de"}, new_key(alice)[1]
    found = status(key, data_of(generate(key))["task_id"], headers=german)
    for answer in (found, generate(key, {}, headers=german), send("GET", "/v1/models", key=key)):
        assert answer["Cache-Control"] == "no-store"
        assert answer.get("Content-Language", "en") == "en"
        assert "Accept-Language" not in answer.get("Vary", "")
    assert Client(headers=german).get("/sign-in/")["Content-Language"] == "de"


@pytest.mark.parametrize("path", ["/api/", "/api/generate/", "/api/Generate", "/api/status/x", "/api/%ff"])
def test_every_unknown_address_below_the_api_is_answered_in_json(path: str) -> None:
    assert error_of(send("POST", path), 404)["type"] == "not_found"


def test_problem_json_carries_the_same_members_at_the_top_level(alice: Person, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://shop.example"
    ledger.take(alice.organization.pk, 1490, reference="manual:1", actor="system")
    response = generate(new_key(alice)[1], headers=PROBLEM | {"X-Request-Id": "same"})
    assert response.status_code == 402
    assert response["Content-Type"] == "application/problem+json"
    assert content(response) == {
        "type": "https://shop.example/docs/errors/insufficient_credits",
        "title": "Insufficient credits",
        "status": 402,
        "error_type": "insufficient_credits",
        "param": None,
        "limit_source": "wallet",
        "retry_after": None,
        "fix_url": "https://shop.example/credits/",
        "request_id": "same",
        "required": 15,
        "available": 10,
    }


@pytest.mark.parametrize(
    "accept",
    [
        "application/problem+json",
        "Application/Problem+JSON",
        "application/json, application/problem+json",
        "text/html;q=0.5,application/problem+json;q=0.9",
    ],
)
def test_problem_json_is_given_to_whoever_accepts_it(accept: str) -> None:
    assert (
        send("GET", "/api/nothing", headers={"Accept": accept})["Content-Type"] == "application/problem+json"
    )


@pytest.mark.parametrize(
    "accept", ["*/*", "application/*", "application/json", "application/problem+xml", ""]
)
def test_envelope_is_given_to_everybody_else(accept: str) -> None:
    error_of(send("GET", "/api/nothing", headers={"Accept": accept}), 404)


def test_successes_stay_in_the_envelope_whatever_is_accepted(alice: Person) -> None:
    response = generate(new_key(alice)[1], headers=PROBLEM)
    assert content(response)["code"] == 200
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "path"), [("POST", GENERATE), ("GET", STATUS), ("PUT", STATUS), ("GET", "/api/x")]
)
def test_problem_json_keeps_the_headers_of_its_error(db: None, method: str, path: str) -> None:
    plain, problem = send(method, path), send(method, path, headers=PROBLEM)
    assert plain.status_code == problem.status_code == content(problem)["status"]
    for name in ("WWW-Authenticate", "Allow", "Retry-After"):
        assert plain.headers.get(name) == problem.headers.get(name)


@pytest.mark.parametrize("language", ["de", "zh-hans", "fr"])
def test_messages_are_english_whatever_language_is_asked_for(language: str) -> None:
    response = send("GET", "/api/nothing", headers={"Accept-Language": language})
    assert content(response)["message"] == "Not found"


class Bug(Exception):
    """What nobody thought of."""


@pytest.fixture
def buggy(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_arguments: Any) -> None:
        raise Bug("secret detail")

    monkeypatch.setattr("generations.api.compat.status_data", stumble)
    monkeypatch.setattr("generations.models.Generation.find", stumble)


@pytest.mark.usefixtures("buggy")
def test_bug_is_500_that_tells_nothing_and_is_logged_with_the_request_id(
    alice: Person, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        response = status(new_key(alice)[1], "task_x", headers={"X-Request-Id": "find-me"})
    error = error_of(response, 500)
    assert (error["type"], error["retry_after"]) == ("internal", None)
    assert b"secret" not in response.content
    assert b"Traceback" not in response.content
    [record] = [record for record in caplog.records if record.exc_info]
    assert "find-me" in record.getMessage()
    assert "Bug" in str(record.exc_info)


@pytest.mark.usefixtures("buggy")
def test_bug_states_the_rate_as_every_answer_to_a_key(alice: Person) -> None:
    assert status(new_key(alice)[1], "task_x")["RateLimit"].startswith('"read";r=119;')


def pages_answer(error: Exception) -> HttpResponse:
    """What Django's handler500 says of an API request while `error` is being handled."""
    try:
        raise error
    except OperationalError:
        return server_error(RequestFactory().get(STATUS))


def test_lost_database_is_the_same_503_before_any_view_is_reached() -> None:
    response = pages_answer(OperationalError("server closed the connection unexpectedly"))
    error = content(response)["error"]
    assert (response.status_code, error["type"], error["retry_after"]) == (503, "unavailable", 5)
    assert response["Retry-After"] == "5"


def test_conflict_says_when_to_ask_again_at_the_earliest(alice: Person) -> None:
    key = new_key(alice)[1]
    task = data_of(generate(key))["task_id"]
    cancel = f"/api/v1/generations/{task}/cancel"
    assert send("POST", cancel, key=key).status_code == 200
    assert error_of(send("POST", cancel, key=key), 409)["retry_after"] == USUAL_RETRY_S[409]
    problem = send("POST", cancel, key=key, headers=PROBLEM)
    assert problem["Retry-After"] == str(content(problem)["retry_after"])


def test_what_a_key_may_not_do_names_the_page_of_keys(alice: Person, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://shop.example"
    narrow = new_key(alice, scopes=["read"])[1]
    elsewhere = new_key(alice, allowed_addresses=["203.0.113.7/32"])[1]
    for key, code in ((narrow, 403), (elsewhere, 403), ("tt_live_nonsense", 401)):
        assert error_of(generate(key), code)["fix_url"] == "https://shop.example/keys/"
    suspend(alice.organization)
    # No page of theirs mends that.
    assert error_of(generate(new_key(alice)[1]), 403)["fix_url"] is None
