"""Signing in and out, and what is to be accepted in between."""

from typing import Any

from allauth.account.views import LoginView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.webauthn.views import LoginWebAuthnView
from csp.constants import SELF
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import terms
from accounts.errors import NotFound
from accounts.models import User
from accounts.pages import current_access, go_through, target_of
from accounts.roles import Right
from accounts.shops import shop_of
from accounts.signing import limits, social
from accounts.signing.adapter import MISMATCH
from accounts.signing.second_factor import ways_at


class SignInView(LoginView):
    """Leads to `next` when that is a path of this shop. Raises Unavailable while tries cannot be counted."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wait_s = limits.seconds_to_sign_in(request, request.POST.get("email", ""))
        if not wait_s:
            response: HttpResponse = super().post(request, *args, **kwargs)
            return response
        response = self._again(limits.wait_words(wait_s), status=429)
        response["Retry-After"] = str(wait_s)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        # One answer for unknown and wrong, so that nobody can probe who has an account.
        return self._again(MISMATCH, status=400)

    def get_success_url(self) -> str:
        return target_of(self.request)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        email = self.request.POST.get("email", "")[:254]
        return {"problem": "", **context, "email": email, "next": target_of(self.request)}

    def _again(self, problem: Any, *, status: int) -> HttpResponse:
        response: HttpResponse = self.render_to_response(
            self.get_context_data(problem=problem, form=None), status=status
        )
        return response

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        return may_lead_away(self.request, super().render_to_response(context, **kwargs))


class SecondFactorView(AuthenticateView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Passkeys are of the host where they were made: who has them elsewhere alone reads what else there is."""
        ways = ways_at(self.request, self.stage.login.user)
        if ways.passkeys_unreadable:
            self.webauthn_form = None  # for which allauth would read them
        return {**super().get_context_data(**kwargs), "ways": ways}


sign_in = require_http_methods(["GET", "HEAD", "POST"])(SignInView.as_view())
second_factor = never_cache(SecondFactorView.as_view())
passkey = limits.counted(limits.PASSKEY, looks=True)(never_cache(LoginWebAuthnView.as_view()))


def may_lead_away(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """To where people have an account that they may sign in with."""
    response._csp_update = {"form-action": [SELF, *social.origins(request)]}  # type: ignore[attr-defined]  # django-csp's
    return response


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept_terms(request: HttpRequest) -> HttpResponse:
    """Leads to `next` once what is asked for has been accepted; at once when nothing is."""
    user, target = request.user, target_of(request)
    if not isinstance(user, User):
        return go_through(request, resolve_url(settings.LOGIN_URL))
    try:
        access = current_access(request, user)
    except NotFound:  # before they found one
        access = None
    shop = access.organization.shop if access else shop_of(request)
    documents, problem, status = terms.outstanding(user, shop), "", 200
    if request.method == "POST" and documents:
        if request.POST.get("accept") == "yes":
            documents = terms.accept(user, shop, request.POST.dict())
            problem, status = _("This has changed since you opened the page. Please look again."), 409
        else:
            problem, status = _("Tick the box to accept, or sign out."), 400
    if not documents:
        return HttpResponseRedirect(target)
    context = {
        "documents": documents,
        "next": target,
        "problem": problem,
        "access": access,
        "may_export": access is not None and Right.SETTINGS in access.rights,
        "may_delete": access is not None and Right.OWNERSHIP in access.rights,
    }
    return render(request, "accounts/terms.html", context, status=status)
