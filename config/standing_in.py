"""Requests of an operator who looks at the shop in a member's place (accounts/standing_in.py)."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import standing_in
from accounts.connections import AWAY
from accounts.errors import DomainError
from accounts.pages import stand_in_of
from config import pages
from config.api import is_api

GetResponse = Callable[[HttpRequest], HttpResponseBase]
# Which ask nobody who they are.
APART = ("/accent/", "/healthz", "/readyz")
DESK = "/admin/"
END = "stand_in_end"
# The pages that only show something, by the names of their addresses; and those of the docs. All else is refused, also
# what will be built one day.
SHOWN = frozenset(
    {
        "landing",
        "home",
        "playground",
        "task",
        "task_progress",
        "gallery",
        "gallery_task",
        "usage",
        "credits",
        "keys",
        "team",
        "audit",
    }
)
DOCS = "docs_"


class OnlyLooking(DomainError):
    type, status = "only_looking", 403
    message = gettext_lazy("You look in as a member: nothing can be changed, and this page stays closed")
    advice = gettext_lazy(
        "Go back, or be yourself again: the button is above. What operators may do is at the desk."
    )


class StandInMiddleware:
    """Puts the member into `request.user` for what SHOWN names, and tells templates by `request.standing_in`. At the
    desk operators stay themselves. Costs people who are in nobody's place no query.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if _asks_nobody(request) or not _is_begun(request):
            return self.get_response(request)
        found = standing_in.of(request)
        if found is None:
            return self._over(request)
        request.standing_in = found  # type: ignore[attr-defined]  # read by pages and templates
        if not request.path.startswith(DESK):
            request.user = found.user
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        if stand_in_of(request) is None or request.path.startswith(DESK) or is_open(request):
            return None
        return pages.error_page(request, OnlyLooking())

    def _over(self, request: HttpRequest) -> HttpResponse:
        row = standing_in.end(request)
        messages.warning(request, _("The time for looking in as a member is over. You are yourself again."))
        if row is None:
            return redirect("admin:index")
        return redirect("admin:accounts_organization_change", row.organization_id)


def is_open(request: HttpRequest) -> bool:
    """To somebody who only looks."""
    match = request.resolver_match
    name = match.url_name or "" if match else ""
    if name == END:
        return True
    return request.method in ("GET", "HEAD") and (name in SHOWN or name.startswith(DOCS))


def _is_begun(request: HttpRequest) -> bool:
    """Nobody is, while sessions cannot be read: some pages can do without."""
    with suppress(*AWAY):
        return standing_in.is_begun(request)
    return False


def _asks_nobody(request: HttpRequest) -> bool:
    is_known = settings.SESSION_COOKIE_NAME in request.COOKIES
    return not is_known or is_api(request) or request.path.startswith(APART)
