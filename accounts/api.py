"""What every endpoint for API keys does before its own work, in the contract's order:
405, 401, 403, 429, then 413 or 408, 415, 400.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import access_of
from accounts.authentication import ApiKeyAuthentication, HasScope
from accounts.errors import (
    BodyTimeout,
    BodyTooLarge,
    InvalidField,
    InvalidJson,
    MethodNotAllowed,
    RateLimited,
    UnsupportedMediaType,
)
from accounts.gcra import Decision
from accounts.rates import ask_to_create, ask_to_read
from accounts.strict_json import parse_object
from accounts.throttling import limiter

MAX_IDEMPOTENCY_KEY = 255


class AlwaysJson(BaseContentNegotiation):
    """Clients in the wild send any Accept header; they get JSON, never a 406."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class ApiView(APIView):
    """Base of keyed endpoints. `creates` names the methods that take from the bucket `create`, `required_scopes` the
    scopes of methods that need another one than `required_scope`; a body is asked for unless it `needs_no_body`.
    """

    authentication_classes = (ApiKeyAuthentication,)
    permission_classes = (HasScope,)
    content_negotiation_class = AlwaysJson
    renderer_classes = (JSONRenderer,)
    parser_classes = ()
    throttle_classes = ()
    required_scope = "read"
    required_scopes: Mapping[str, str] = {}
    creates: frozenset[str] = frozenset()
    needs_no_body = False

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {}  # DRF's own would name OPTIONS, which is not offered here

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.format_kwarg = None
        allowed = [
            method.upper() for method in ("get", "post", "put", "patch", "delete") if hasattr(self, method)
        ]
        if "GET" in allowed:
            allowed.append("HEAD")
        if request.method not in allowed:
            raise MethodNotAllowed(allowed)
        self.perform_authentication(request)
        # Taken before and judged after the 403s: they come first, and state the rate as every answer to a key.
        decision = self._take_from_bucket(request)
        self.check_permissions(request)
        if not decision.allowed:
            raise RateLimited(retry_after=decision.retry_after_s, limit_source=decision.bucket.source)
        if request.method not in ("GET", "HEAD", "DELETE"):
            _check_body(request, may_be_missing=self.needs_no_body)

    def _take_from_bucket(self, request: Request) -> Decision:
        access = access_of(request)
        if request.method in self.creates:
            sent = request.META.get("HTTP_IDEMPOTENCY_KEY", "").strip().strip('"')[:MAX_IDEMPOTENCY_KEY]
            ask = ask_to_create(access, once=sent)
        else:
            ask = ask_to_read(access)
        decision = limiter().take(ask)
        request._request.rate_decision = decision  # type: ignore[attr-defined]  # read when answering
        return decision

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["Cache-Control"] = "no-store"  # secrets, balances and signed links are in them
        decision: Decision | None = getattr(request, "rate_decision", None)
        if decision is not None:
            answer["RateLimit-Policy"] = decision.policy_header
            answer["RateLimit"] = decision.state_header
        return answer


def _check_body(request: Request, *, may_be_missing: bool) -> None:
    problem = request.META.get("tintype.body_problem")
    if problem == "too_large":
        raise BodyTooLarge
    if problem == "timeout":
        raise BodyTimeout
    if may_be_missing and not problem and not request._request.body:
        return
    if request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType
    if request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType(_("Send the body as it is, without Content-Encoding"))
    if problem:
        raise InvalidJson


def json_object(request: Request) -> dict[str, Any]:
    """The request's body, strictly parsed. Raises InvalidJson."""
    return parse_object(request._request.body)


def idempotency_key(request: Request) -> str | None:
    """The header's value, bare or as a quoted string. Raises InvalidField for an unusable one."""
    raw = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if raw is None:
        return None
    text = raw.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if not text or len(text) > MAX_IDEMPOTENCY_KEY or any(not "!" <= character <= "~" for character in text):
        raise InvalidField(
            _("Idempotency-Key has 1 to 255 visible characters, bare or in quotes"), param="Idempotency-Key"
        )
    return str(text)


def success(data: dict[str, Any]) -> Response:
    """The envelope of every answer that is not an error."""
    return Response({"code": 200, "message": "success", "data": data})
