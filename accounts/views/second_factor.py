"""Switching a second factor on and off, recovery codes, passkeys."""

from typing import Any

from allauth.mfa.base.views import IndexView, ReauthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import (
    DownloadRecoveryCodesView,
    GenerateRecoveryCodesView,
    ViewRecoveryCodesView,
)
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    EditWebAuthnView,
    ListWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
)
from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse_lazy

from accounts import staff
from accounts.signing import receivers, second_factor
from accounts.views.gates import OnceMixin, own_page


class OverView(IndexView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        needs_it = settings.STAFF_SECOND_FACTOR and staff.works_here(self.request)
        passkeys = [key.instance for key in context["authenticators"].get(Authenticator.Type.WEBAUTHN, ())]
        elsewhere = {row.pk for row in passkeys if not second_factor.works_at(self.request, row)}
        unreadable = {row.pk for row in passkeys if not second_factor.is_readable(row)}
        return {
            **context,
            "desk_needs_it": needs_it,
            "made_elsewhere": elsewhere - unreadable,
            "unreadable": unreadable,
        }


class SwitchOnView(OnceMixin, ActivateTOTPView):
    once = "mfa_index"

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        receivers.app_switched_on(self.request, self.request.user)
        return response


class NewCodesView(GenerateRecoveryCodesView):
    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        receivers.codes_made(self.request, self.request.user)
        return response


class AddPasskeyView(AddWebAuthnView):
    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "passwordless": True}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return _context(self, AddWebAuthnView, kwargs)


class PasskeyAgainView(ReauthenticateWebAuthnView):
    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = self.render_to_response(self.get_context_data(form=form))
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return _context(self, ReauthenticateWebAuthnView, kwargs)


def _context(view: Any, allauths: Any, given: dict[str, Any]) -> dict[str, Any]:
    """What a page that asks for a passkey shows. `allauths`, the view that it is made of, loses what is `given`,
    such as a refused form; and as it tells the browser of all passkeys, it stumbles over a row that holds none.
    """
    if second_factor.are_readable(view.request.user):
        return {**allauths.get_context_data(view), **given}
    return {**super(allauths, view).get_context_data(**given), "is_unreadable": True}


index = own_page(OverView.as_view())
code_again = own_page(ReauthenticateView.as_view())
switch_on = own_page(SwitchOnView.as_view())
switch_off = own_page(DeactivateTOTPView.as_view())
codes = own_page(ViewRecoveryCodesView.as_view())
new_codes = own_page(NewCodesView.as_view())
codes_file = own_page(DownloadRecoveryCodesView.as_view())
passkeys = own_page(ListWebAuthnView.as_view())
new_passkey = own_page(AddPasskeyView.as_view())
rename_passkey = own_page(EditWebAuthnView.as_view())
remove_passkey = own_page(RemoveWebAuthnView.as_view(success_url=reverse_lazy("mfa_index")))
passkey_again = own_page(PasskeyAgainView.as_view())
