"""The operators' desk: Django's admin, entered through the shop's own sign-in."""

from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from unfold.sites import UnfoldAdminSite

from generations.models import UpstreamState


class OperatorSite(UnfoldAdminSite):  # type: ignore[misc]  # the library has no types
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """No form of its own: one door, with one limit against guessing. Raises PermissionDenied for customers."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next", request.path), settings.LOGIN_URL)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        logout(request)
        return redirect(settings.LOGOUT_REDIRECT_URL)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context: dict[str, Any] = super().each_context(request)
        if self.has_permission(request):
            context["refusing"] = list(UpstreamState.refusing_our_account())
        return context
