"""One's own account: address, password, second factor, passkeys, accounts elsewhere, sessions."""

from typing import Any

from allauth.account import views as theirs
from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.audit import record_of_person
from accounts.models import AuditAction, User
from accounts.origin import origin_of
from accounts.signing import limits, sessions
from accounts.views.gates import OnceMixin, own_page

TYPE = Authenticator.Type


@own_page
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    user = request.user
    types = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    context = {
        "here": "account",
        "has_password": isinstance(user, User) and user.has_usable_password(),
        "waiting": EmailAddress.objects.filter(user=user, verified=False).order_by("-pk").first(),
        "has_app": TYPE.TOTP in types,
        "passkeys": types.count(TYPE.WEBAUTHN),
        "has_codes": TYPE.RECOVERY_CODES in types,
        "sessions": UserSession.objects.filter(user=user).count(),
        "connected": SocialAccount.objects.filter(user=user).count(),
    }
    return render(request, "account/overview.html", context)


class AddressView(OnceMixin, theirs.EmailView):
    """The new address takes the place of the old one as soon as it is confirmed."""

    once = "account_email"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        raise_if_reauthentication_required(request, app="allauth.account")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        words = _("We have sent a mail to %(email)s. Open it to confirm the address.")
        messages.success(self.request, words % {"email": form.cleaned_data["email"]})
        return response

    def _action_send(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        messages.success(request, _("We have sent the mail again."))
        return super()._action_send(request, *args, **kwargs)


class ResetView(theirs.PasswordResetFromKeyView):
    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
        return response


class SessionsView(ListUserSessionsView):
    def form_valid(self, form: Any) -> HttpResponse:
        user, request = self.request.user, self.request
        count = sessions.end_others(request, user)
        record_of_person(user, AuditAction.SIGNED_OUT_ELSEWHERE, origin=origin_of(request), sessions=count)
        words = ngettext("%(count)d other session was ended.", "%(count)d other sessions were ended.", count)
        messages.success(request, words % {"count": count})
        return redirect("usersessions_list")


address = own_page(AddressView.as_view())
change_password = own_page(theirs.PasswordChangeView.as_view())
set_password = own_page(theirs.PasswordSetView.as_view())
password_again = own_page(theirs.ReauthenticateView.as_view())
own_sessions = own_page(SessionsView.as_view())

# For those who cannot sign in.
forgotten = limits.counted(limits.RESET)(never_cache(theirs.PasswordResetView.as_view()))
forgotten_sent = never_cache(theirs.PasswordResetDoneView.as_view())
reset = limits.counted(limits.RESET)(never_cache(ResetView.as_view()))
reset_done = never_cache(theirs.PasswordResetFromKeyDoneView.as_view())
