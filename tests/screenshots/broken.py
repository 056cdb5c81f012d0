"""The pages that say what went wrong, as the shop answers them: its addresses, and some at which everything fails."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from django.utils.translation import override

from accounts.errors import DomainError, InsufficientScope, NotFound, RateLimited, Unavailable

handler400 = "config.pages.bad_request"
handler403 = "config.pages.forbidden"
handler404 = "config.pages.not_found"
handler500 = "config.pages.server_error"

FAILURES: dict[int, DomainError] = {
    403: InsufficientScope(),
    404: NotFound(),
    429: RateLimited(retry_after=20),
    500: DomainError(),
    503: Unavailable(retry_after=5),
}


def _fail(request: HttpRequest, status: int) -> HttpResponse:
    raise FAILURES[status]


urlpatterns = [path("failing/<int:status>/", _fail), path("", include("config.urls"))]


@override_settings(ROOT_URLCONF=__name__)
def pages(languages: Sequence[str]) -> dict[str, dict[str, str]]:
    """By language and name: HTML."""
    host = urlsplit(settings.PUBLIC_URL).netloc
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    found: dict[str, dict[str, str]] = {}
    for language in languages:
        headers = {"Host": host, "Accept-Language": language}
        with override(language):  # a request leaves its own behind
            answers = {str(status): client.get(f"/failing/{status}/", headers=headers) for status in FAILURES}
            answers["expired"] = client.post("/sign-in/", headers=headers)
        found[language] = {name: answer.content.decode() for name, answer in answers.items()}
    return found
