"""One call to the API: the request, trying again, and the answer or the error of its word."""

from __future__ import annotations

import datetime
import json
import random
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from tintype._steps import Answer, Flow, Request, Settings, Sleep
from tintype._version import VERSION
from tintype.errors import ApiError, ConnectionFailed, UnexpectedAnswer, class_for
from tintype.retries import may_repeat, retry_after_s

USER_AGENT = f"tintype-python/{VERSION}"
_ENVELOPE = {"type", "param", "limit_source", "retry_after", "fix_url", "request_id"}
_PROBLEM = {"title", "status", "error_type"}


def ask(
    settings: Settings,
    method: str,
    path: str,
    *,
    query: Mapping[str, str | int | bool | None] | None = None,
    body: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
    is_repeatable: bool | None = None,
) -> Flow[Any]:
    """The decoded answer, None for an empty one. Raises ApiError, ConnectionFailed, UnexpectedAnswer.

    Trying again keeps `idempotency_key`, so the shop makes one order of it. `is_repeatable`: see may_repeat; by itself
    true but for POST.
    """
    if is_repeatable is None:
        is_repeatable = method != "POST"
    url = settings.base_url + path
    given = {name: _query_value(value) for name, value in (query or {}).items() if value is not None}
    if given:
        url += "?" + urlencode(given)
    # In ASCII, so that half of a surrogate pair is for the shop to refuse, and no crash here.
    content = None if body is None else json.dumps(body).encode()
    began, made = time.monotonic(), 0
    while True:
        request_id = f"req_{secrets.token_hex(12)}"
        headers = _headers(settings, request_id, has_body=content is not None, once=idempotency_key)
        made += 1
        after: float | None = None
        failure: ApiError | ConnectionFailed
        answer: Answer | ConnectionFailed = yield Request(method, url, headers, content, settings.timeout_s)
        if isinstance(answer, ConnectionFailed):
            answer.request_id = request_id
            failure, again = answer, is_repeatable or not answer.was_sent
        else:
            if 200 <= answer.status < 300:
                return _decoded(answer, request_id)
            failure = error_of(answer, request_id)
            again = may_repeat(failure.status, failure.type, is_repeatable=is_repeatable)
            after = retry_after_s(answer.headers, datetime.datetime.now(datetime.UTC))
            if after is None and failure.retry_after is not None:
                after = max(0.0, float(failure.retry_after))
        pause = settings.retries.pause_s(made, time.monotonic() - began, after, random.random())  # noqa: S311 - jitter
        if not again or pause is None:
            raise failure
        yield Sleep(pause)


def segment(text: str) -> str:
    """An id as part of a path, whatever it holds."""
    return quote(text, safe="")


def _query_value(value: str | int | bool | None) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _headers(settings: Settings, request_id: str, *, has_body: bool, once: str | None) -> dict[str, str]:
    headers = {
        "Authorization": f"Bearer {settings.api_key}",
        "Accept": "application/json",
        "User-Agent": USER_AGENT,
        "X-Request-Id": request_id,
    }
    if has_body:
        headers["Content-Type"] = "application/json"
    if once is not None:
        headers["Idempotency-Key"] = once
    return headers


def _decoded(answer: Answer, request_id: str) -> Any:
    if not answer.body:
        return None
    try:
        return json.loads(answer.body)
    except ValueError:
        raise UnexpectedAnswer(
            f"The answer ({answer.status}) is not JSON; does the base URL lead to a shop?",
            status=answer.status,
            request_id=request_id,
        ) from None


def error_of(answer: Answer, request_id: str) -> ApiError:
    """Of any answer that is not 2xx. Raises UnexpectedAnswer for one that a shop's API never gives."""
    request_id = answer.headers.get("x-request-id", request_id)
    if answer.status < 400:
        to = answer.headers.get("location", "nowhere")
        raise UnexpectedAnswer(
            f"The base URL leads elsewhere ({answer.status}, to {to}); use that one",
            status=answer.status,
            request_id=request_id,
        )
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {}
    members = body.get("error")
    if isinstance(members, dict):
        word, details = members.get("type"), {name: members[name] for name in members.keys() - _ENVELOPE}
    else:  # RFC 9457, or from something between us and the shop
        members, word = body, body.get("error_type")
        details = {
            name: body[name] for name in body.keys() - _ENVELOPE - _PROBLEM - {"code", "message", "data"}
        }
    word = word if isinstance(word, str) else f"http_{answer.status}"
    message = body.get("message") or body.get("title") or f"HTTP status {answer.status}"
    after = members.get("retry_after")
    return class_for(answer.status, word)(
        str(message),
        status=answer.status,
        type=word,
        param=_text(members.get("param")),
        limit_source=_text(members.get("limit_source")),
        retry_after=after if isinstance(after, int) else _header_seconds(answer),
        fix_url=_text(members.get("fix_url")),
        request_id=_text(members.get("request_id")) or request_id,
        details=details,
    )


def _header_seconds(answer: Answer) -> int | None:
    after = retry_after_s(answer.headers, datetime.datetime.now(datetime.UTC))
    return None if after is None else round(after)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
