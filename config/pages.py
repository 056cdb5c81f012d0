"""Pages that need several apps at once, and the errors that people see."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.errors import DomainError, NotFound
from config.api import error_response, is_api


def shop_context(request: HttpRequest) -> dict[str, Any]:
    """For every template: the shop that is asked."""
    return {"shop": getattr(request, "shop", None)}


def error_page(request: HttpRequest, error: DomainError) -> HttpResponse:
    """JSON for the API, a page in the shop's clothes for people."""
    if is_api(request):
        return error_response(request, error)
    return render(request, "error.html", {"error": error}, status=error.status)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    return error_page(request, DomainError())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "csrf_failure.html", status=403)
