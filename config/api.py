"""The one place where an exception becomes a JSON answer."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override
from rest_framework.views import set_rollback

from accounts import shops
from accounts.connections import is_away
from accounts.errors import (
    DomainError,
    InvalidField,
    MethodNotAllowed,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from accounts.gcra import Decision
from config.programs import API_PREFIXES
from generations.api import openai_errors

logger = logging.getLogger(__name__)

UNAVAILABLE_RETRY_S = 5
# By status, of errors that name no time themselves: every 409 and 503 says when to ask again at the earliest.
USUAL_RETRY_S = {409: 2, 503: 30}
_PREFIXES = (*API_PREFIXES, "/i/")


def is_api(request: HttpRequest) -> bool:
    """Whether programs ask: they get JSON, also from the addresses of images."""
    return request.path.startswith(_PREFIXES)


def as_domain_error(error: Exception, request_id: str | None = None) -> DomainError:
    """Every exception has an answer: ours as they are, a lost database as 503, the rest as 500."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, SuspiciousOperation):
        return InvalidField(_("The request cannot be read"))
    if is_away(error):
        logger.warning("The database is away: %s", error)
        return Unavailable(retry_after=UNAVAILABLE_RETRY_S)
    logger.error("%s: unhandled %r", request_id, error, exc_info=error)
    return DomainError()


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """DRF's hook; `context["request"]` is the request as DRF wraps it."""
    set_rollback()
    request: HttpRequest = context["request"]._request
    return error_response(request, as_domain_error(error, getattr(request, "request_id", None)))


def error_response(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The envelope, RFC 9457 when the client asks for it, or OpenAI's. In English: programs match on it."""
    with override("en"):
        message = str(error.message)
    retry_after = _retry_after_s(request, error)
    status, headers, content_type = error.status, {"Cache-Control": "no-store"}, "application/json"
    if request.path.startswith(openai_errors.PREFIX):
        body = openai_errors.body_of(error, message, _address(request))
        status = openai_errors.status_of(error)
        headers.update(openai_errors.headers_of(error))
    else:
        members = {
            "type": error.type,
            "param": error.param,
            "limit_source": error.limit_source,
            "retry_after": retry_after,
            "fix_url": _address(request) + error.fix_path if error.fix_path else None,
            "request_id": getattr(request, "request_id", None),
            **error.details,
        }
        body = {"code": error.status, "message": message, "data": None, "error": members}
        if "application/problem+json" in request.META.get("HTTP_ACCEPT", "").lower():
            body, content_type = (
                _problem(error, message, members, _address(request)),
                "application/problem+json",
            )
    response = JsonResponse(
        body,
        status=status,
        content_type=content_type,
        headers=headers,
        json_dumps_params={"ensure_ascii": False, "separators": (",", ":")},
    )
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    if isinstance(error, Unauthenticated):
        challenge = 'Bearer realm="api"'
        response["WWW-Authenticate"] = challenge + (', error="invalid_token"' if error.key_was_sent else "")
    if isinstance(error, MethodNotAllowed):
        response["Allow"] = ", ".join(error.allowed)
    return response


def _retry_after_s(request: HttpRequest, error: DomainError) -> int | None:
    """Who comes back when told so must not meet the rate limit instead."""
    wait_s = error.retry_after if error.retry_after is not None else USUAL_RETRY_S.get(error.status)
    decision: Decision | None = getattr(request, "rate_decision", None)
    return wait_s if wait_s is None or decision is None else max(wait_s, decision.reset_s)


def _problem(error: DomainError, message: str, members: dict[str, Any], address: str) -> dict[str, Any]:
    word = members.pop("type")
    return {
        "type": f"{address}/docs/errors/{word}",
        "title": message,
        "status": error.status,
        "error_type": word,
        **members,
    }


def _address(request: HttpRequest) -> str:
    """Of the shop that was asked, or the platform's where none was."""
    return shops.here(request) if hasattr(request, "shop_id") else str(settings.PUBLIC_URL)


def route_not_found(request: HttpRequest) -> HttpResponse:
    return error_response(request, NotFound())
