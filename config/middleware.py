"""Middleware: request ids, languages, bodies that did not arrive, errors of pages, and which shop is asked."""

import re
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django_htmx.middleware import HtmxMiddleware

from accounts import shops, trail
from accounts.errors import BodyTimeout, BodyTooLarge, DomainError, InvalidJson, MethodNotAllowed, UnknownHost
from accounts.hosts import as_header
from config import languages, pages, preferences
from config.api import error_response, is_api

GetResponse = Callable[[HttpRequest], HttpResponseBase]
_SANE_ID = re.compile(r"(?! )[\x20-\x7e]{1,128}(?<! )")
DESK_PREFIX = "/admin/"
WITHOUT_SHOP = frozenset({"/healthz", "/readyz", "/metrics", "/domains/ask"})
BODY_PROBLEMS: dict[str, type[DomainError]] = {
    "too_large": BodyTooLarge,
    "timeout": BodyTimeout,
    "incomplete": InvalidJson,
}


def new_request_id() -> str:
    """48 bits of milliseconds, so that the index of orders by it grows at its end, and 48 of chance."""
    return f"req_{time.time_ns() // 1_000_000 & 0xFFFFFFFFFFFF:012x}{secrets.token_hex(6)}"


class RequestIdMiddleware:
    """Every answer carries X-Request-Id: the client's own when it is sane, else a new one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = sent if _SANE_ID.fullmatch(sent) else new_request_id()
        request.request_id = request_id  # type: ignore[attr-defined]  # read by answers
        before = trail.request_id.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            trail.request_id.reset(before)
        response["X-Request-Id"] = request_id
        return response


class LanguageMiddleware:
    """Which language an answer is in: see languages.py. Who first comes to an address in another language than English
    keeps that one, also for the pages whose address tells none. An address in a language that the shop does not offer
    leads to the same page in one that it does.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        elsewhere = languages.instead(request)
        if elsewhere is not None:
            redirect = HttpResponseRedirect(elsewhere)
            patch_vary_headers(redirect, ("Cookie", "Accept-Language"))
            return redirect
        language = languages.of(request)
        translation.activate(language)
        request.LANGUAGE_CODE = language  # as Django's own middleware names it
        response = self.get_response(request)
        response.headers.setdefault("Content-Language", languages.TAGS.get(language, language))
        if is_api(request):
            return response
        if response.get("Content-Type", "").startswith(
            "text/html"
        ):  # not what is drawn, the same for everybody
            patch_vary_headers(response, ("Cookie", "Accept-Language"))
        is_first_choice = settings.LANGUAGE_COOKIE_NAME not in request.COOKIES | response.cookies
        if is_first_choice and languages.of_address(request.path_info) == language != languages.ENGLISH:
            preferences.keep(response, settings.LANGUAGE_COOKIE_NAME, language)
        return response


class BodyMiddleware:
    """Refuses pages' requests whose body the server could not read. API views say it themselves, after 401."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        problem = request.META.get("tintype.body_problem")
        if problem and not is_api(request):
            return pages.error_page(request, BODY_PROBLEMS[problem]())
        return self.get_response(request)


class OfPages:
    """Before a middleware that programs can do without: all of these together cost an order more than its validation.
    No address of theirs asks for a session, so none needs protection against forms of others.
    """

    get_response: Any  # each has a type of its own for it

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        goes_on: GetResponse = self.get_response if is_api(request) else super().__call__  # type: ignore[misc]
        return goes_on(request)


class PageUserMiddleware(OfPages, AuthenticationMiddleware):
    pass


class PageMessageMiddleware(OfPages, MessageMiddleware):
    pass


class PageHtmxMiddleware(OfPages, HtmxMiddleware):
    pass


class PageCSPMiddleware(OfPages, CSPMiddleware):
    """A policy for what browsers render."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path.startswith(DESK_PREFIX) and response.status_code != 404:
            response._csp_config = settings.DESK_CONTENT_SECURITY_POLICY  # type: ignore[attr-defined]  # django-csp's own
        return super().process_response(request, response)


class PageErrorMiddleware:
    """Typed errors and refused methods of pages become pages, as config/api.py makes JSON of them."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not is_api(request):
            return pages.error_page(request, MethodNotAllowed(response["Allow"].split(", ")))
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        error = pages.expected(request, exception)
        return pages.error_page(request, error) if error is not None else None


class ShopMiddleware:
    """`request.shop_id` by the host that is asked, and `request.shop`, read when somebody looks at it. 421 for a host
    that leads nowhere. Health checks come by whatever name a machine has.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        asked = request.META.get("HTTP_HOST") or _server_name(request)
        # What comes after reads it as we do, and trips over none that Django would refuse.
        request.META["HTTP_HOST"] = as_header(asked)
        if request.path_info in WITHOUT_SHOP:
            return self.get_response(request)
        shop_id = shops.id_at(asked)
        if shop_id is None:
            return _nobody_here(request)
        request.shop_id = shop_id  # type: ignore[attr-defined]  # read by shops.shop_id_of
        request.shop = SimpleLazyObject(lambda: shops.by_id(shop_id))  # type: ignore[attr-defined]  # templates read it
        return self.get_response(request)


def _server_name(request: HttpRequest) -> str:
    """Of HTTP/1.0, and of clients that leave the header empty: the address of this machine that they came to."""
    name, port = request.META.get("SERVER_NAME", ""), request.META.get("SERVER_PORT", "")
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _nobody_here(request: HttpRequest) -> HttpResponse:
    if is_api(request):
        return error_response(request, UnknownHost())
    with translation.override(languages.of(request)):
        text = f"{UnknownHost.message}. {UnknownHost.advice}\n"
    return HttpResponse(
        text, "text/plain; charset=utf-8", status=UnknownHost.status, headers={"Cache-Control": "no-store"}
    )


class ShopSessionMiddleware(OfPages, SessionMiddleware):
    """A session belongs to the shop that it was begun at."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        session: Any = request.session
        if request.path_info not in WITHOUT_SHOP:
            session.shop_id, session.first_id = shops.shop_id_of(request), shops.first_id()


class OriginMiddleware(OfPages, CsrfViewMiddleware):
    """Forms come from the shop that is asked, and from no other. Behind a proxy that ends TLS their origin is https,
    and behind one that keeps the Host header to itself, the shop's own address.
    """

    def _origin_verified(self, request: HttpRequest) -> bool:
        known: bool = super()._origin_verified(request)  # type: ignore[misc]  # Django's own, without a type
        return known or request.META["HTTP_ORIGIN"] in _origins(request)


def _origins(request: HttpRequest) -> set[str]:
    scheme, shop_id = urlsplit(settings.PUBLIC_URL).scheme, shops.shop_id_of(request)
    found = {f"{scheme}://{request.get_host()}", shops.address_of(shop_id)}
    return found | {settings.PUBLIC_URL} if shop_id == shops.first_id() else found
