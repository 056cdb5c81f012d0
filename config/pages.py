"""What every template knows, and the errors that people see."""

import sys
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import is_valid_path, reverse
from django.utils.translation import gettext_lazy as _

from accounts import shops
from accounts.connections import is_away
from accounts.errors import (
    BodyTooLarge,
    DomainError,
    InsufficientScope,
    MethodNotAllowed,
    NotFound,
)
from accounts.signing import rules
from accounts.views import mails
from config import languages, preferences
from config.api import as_domain_error, error_response, is_api
from config.brand import brand_of
from generations import catalogue


def shop_context(request: HttpRequest) -> dict[str, Any]:
    """For every template: the brand of the shop that is asked, and what one image costs there; read when used."""
    address = cache(lambda: shops.here(request))
    return {
        "brand": cache(lambda: brand_of(request)),
        "theme": preferences.theme_of(request),
        "own_languages": cache(
            lambda: [(code, languages.NAMES[code]) for code in languages.offered(request)]
        ),
        "alternates": cache(
            lambda: languages.alternates(address(), request.path_info, languages.offered(request))
        ),
        "public_url": address,
        "here_address": cache(lambda: address() + request.path_info),
        "image_price": cache(lambda: _image_price(request)),
        "is_demo": settings.DEMO,
        "has_demo_owner": cache(lambda: settings.DEMO and shops.shop_id_of(request) == shops.first_id()),
        "is_open": cache(lambda: rules.is_open(shops.shop_of(request))),
        "is_paused": cache(lambda: shops.is_paused(shops.shop_id_of(request))),
        "mails_address": cache(lambda: mails.address_for(request)),
    }


def _image_price(request: HttpRequest) -> int:
    """Credits; 0 where nothing is on sale."""
    return catalogue.usual_price(shops.shop_id_of(request))


# --- Errors -------------------------------------------------------------------------------------


class InvalidRequest(DomainError):
    """What Django refused before a view saw it: a bad header, too many fields."""

    type, status, message = "invalid_field", 400, _("The request could not be understood")


class NotYoursAtTheDesk(DomainError):
    """What an operator was not given."""

    type, status, message = "insufficient_scope", 403, _("Your role does not allow this")
    advice = _("If you think it should, ask whoever gave you your rights at the desk.")


# Status -> what happened, and what to do next. Others read as 400 or 500.
WORDS: dict[int, tuple[Any, Any]] = {
    400: (_("The request could not be understood"), _("Go back, reload the page and try again.")),
    403: (
        _("Your role does not allow this"),
        _("If you think it should, ask an owner of your organization."),
    ),
    404: (
        _("There is nothing here"),
        _("The address may be mistyped, or belong to an account other than the one you use."),
    ),
    405: (_("This address cannot be used that way"), _("Go back to the page you came from.")),
    408: (_("The request took too long to arrive"), _("Go back and send it again.")),
    413: (_("That was too large"), _("Go back and send less.")),
    429: (_("Too many requests"), _("Wait a moment, then go on.")),
    500: (_("Something broke on our side"), _("It has been written down. Please try again.")),
    503: (_("The shop is away for a moment"), _("Nothing is lost. Please try again shortly.")),
}


def error_page(request: HttpRequest, error: DomainError) -> HttpResponse:
    """JSON for the API, a page in the shop's clothes for people."""
    if is_api(request):
        return error_response(request, error)
    title, advice = _words(error)
    context = {
        "status": error.status,
        "title": title,
        "advice": advice,
        "retry_after": error.retry_after,
        "may_retry": request.method in ("GET", "HEAD")
        and error.status in (408, 429, 500, 503)
        and not hasattr(error, "advice"),
        "request_id": getattr(request, "request_id", ""),
    }
    response = render(request, "error.html", context, status=error.status)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    if isinstance(error, MethodNotAllowed):
        response["Allow"] = ", ".join(error.allowed)
    return response


def _words(error: DomainError) -> tuple[Any, Any]:
    """(what happened, what to do next)"""
    if error.status == 409:
        return error.message, _("Go back, reload the page and look again.")
    if error.status == 403 and not isinstance(error, InsufficientScope):
        return error.in_short, getattr(error, "advice", WORDS[403][1])
    if hasattr(error, "advice"):  # to try again would change nothing
        return error.message, error.advice
    return WORDS.get(error.status, WORDS[400] if error.status < 500 else WORDS[500])


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return error_page(request, BodyTooLarge())
    return error_page(request, InvalidRequest())


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    is_at_desk = request.path_info.startswith(reverse("admin:index"))
    return error_page(request, NotYoursAtTheDesk() if is_at_desk else InsufficientScope())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    with_slash = request.path_info + "/"
    misses_it = request.method in ("GET", "HEAD") and not is_api(request) and not with_slash.endswith("//")
    if misses_it and is_valid_path(with_slash):
        return HttpResponseRedirect(with_slash)
    return error_page(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Also for a database that was away before any view was reached."""
    return error_page(request, expected(request, sys.exc_info()[1]) or DomainError())


def expected(request: HttpRequest, error: BaseException | None) -> DomainError | None:
    """What a view's exception means to people; None for a bug."""
    if isinstance(error, DomainError):
        return error
    if is_away(error):
        return as_domain_error(error, getattr(request, "request_id", None))
    return None


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    context = {
        "status": 403,
        "title": _("This form has expired"),
        "advice": _(
            "Nothing was done. Go back, reload the page and send the form again. If that does not help, allow this site"
            " to set cookies."
        ),
        "request_id": getattr(request, "request_id", ""),
    }
    return render(request, "error.html", context, status=403)
