"""Middleware: request ids, bodies that did not arrive, and which shop is asked."""

import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from accounts.organizations import first_shop
from config.api import is_api

GetResponse = Callable[[HttpRequest], HttpResponseBase]
_SANE_ID = re.compile(r"(?! )[\x20-\x7e]{1,128}(?<! )")
BODY_PROBLEM_STATUS = {"too_large": 413, "timeout": 408, "incomplete": 400}


class RequestIdMiddleware:
    """Every answer carries X-Request-Id: the client's own when it is sane, else a new one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = sent if _SANE_ID.fullmatch(sent) else f"req_{secrets.token_hex(12)}"
        request.request_id = request_id  # type: ignore[attr-defined]  # read by answers and logs
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


class BodyMiddleware:
    """Refuses pages' requests whose body the server could not read. API views say it themselves, after 401."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        problem = request.META.get("tintype.body_problem")
        if problem and not is_api(request):
            return HttpResponse(
                _("The request could not be read completely. Go back and try again."),
                status=BODY_PROBLEM_STATUS[problem],
                content_type="text/plain; charset=utf-8",
            )
        return self.get_response(request)


class ShopMiddleware:
    """`request.shop`, read when somebody looks at it. One installation has one shop so far."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.shop = SimpleLazyObject(first_shop)  # type: ignore[attr-defined]  # templates read it
        return self.get_response(request)
