"""The API as its clients see it: real routes, middleware and views, without a socket in between."""

import json
import re
from typing import Any, cast

from django.http import HttpResponse
from django.test import Client

from accounts.errors import InvalidField, MissingField

GENERATE = "/api/generate"
STATUS = "/api/status"
FOX: dict[str, Any] = {"prompt": "a fox in the snow", "aspect_ratio": "1:1"}
ERROR_MEMBERS = {"type", "param", "limit_source", "retry_after", "fix_url", "request_id"}


def send(
    method: str,
    path: str,
    *,
    key: str | None = None,
    body: Any = b"",
    headers: dict[str, str] | None = None,
    content_type: str | None = "application/json",
    **environ: Any,
) -> HttpResponse:
    """One request. `body`: bytes as they are, anything else as JSON; `environ`: what the server would set."""
    sent = dict(headers or {})
    if key is not None:
        sent["Authorization"] = f"Bearer {key}"
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    environ["CONTENT_TYPE"] = content_type or ""
    client = Client(raise_request_exception=False, headers=sent)
    response = client.generic(method, path, data, **environ)
    return cast(HttpResponse, response)


def generate(key: str, body: Any = None, **options: Any) -> HttpResponse:
    """POST /api/generate, a good body unless another is given."""
    return send("POST", GENERATE, key=key, body=FOX if body is None else body, **options)


def status(key: str, task_id: str, **options: Any) -> HttpResponse:
    return send("GET", STATUS, key=key, QUERY_STRING=f"task_id={task_id}", **options)


def content(response: HttpResponse) -> dict[str, Any]:
    """The body as it was sent; every answer is UTF-8 JSON."""
    return cast(dict[str, Any], json.loads(response.content))


def data_of(response: HttpResponse) -> dict[str, Any]:
    """`data` of a success, whose envelope is checked."""
    body = content(response)
    assert response.status_code == 200, body
    assert {name: body[name] for name in ("code", "message")} == {"code": 200, "message": "success"}
    assert set(body) == {"code", "message", "data"}
    return cast(dict[str, Any], body["data"])


def field_of(response: HttpResponse) -> tuple[str, str | None]:
    """Machine word and param of a 400, which says in words what is expected there."""
    error = error_of(response, 400)
    said = content(response)["message"]
    assert said not in (str(InvalidField.message), str(MissingField.message)), error
    return error["type"], error["param"]


def error_of(response: HttpResponse, code: int) -> dict[str, Any]:
    """`error` of a refusal, whose envelope and headers are checked."""
    body = content(response)
    assert response.status_code == code, body
    assert set(body) == {"code", "message", "data", "error"}
    assert (body["code"], body["data"]) == (code, None)
    assert body["message"]
    error: dict[str, Any] = body["error"]
    assert set(error) >= ERROR_MEMBERS
    assert error["request_id"] == response["X-Request-Id"]
    assert response.headers.get("Retry-After") == (error["retry_after"] and str(error["retry_after"]))
    assert "Retry-After" in response or code not in (409, 429, 503)
    return error


def stated(response: HttpResponse) -> tuple[str, int, int]:
    """As RateLimit states it: bucket, possible now, seconds until one more."""
    found = re.fullmatch(r'"(create|read)";r=([0-9]+);t=([0-9]+)', response["RateLimit"])
    assert found
    return found[1], int(found[2]), int(found[3])


def task_of(response: HttpResponse) -> str:
    return cast(str, data_of(response)["task_id"])


def word_of(response: HttpResponse) -> tuple[int, str]:
    """Status and machine word of a refusal."""
    return response.status_code, content(response)["error"]["type"]
