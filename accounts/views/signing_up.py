"""Opening an account, and showing that an address is one's own."""

from typing import Any

from allauth.account.models import get_emailconfirmation_model
from allauth.account.views import ConfirmEmailView, EmailVerificationSentView, SignupView
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import invitations
from accounts.signing import addresses, invited, limits
from accounts.views.signing import may_lead_away


class SignUpView(SignupView):
    """Whoever was invited to this address is sent to the invitation, since its mail has proven the address."""

    def get_initial(self) -> dict[str, Any]:
        invitation = invited.invitation_of(self.request)
        initial: dict[str, Any] = super().get_initial()
        return initial | ({"email": invitation.email} if invitation is not None else {})

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"invitation": invited.invitation_of(self.request)}

    def get_success_url(self) -> str:
        """Asked for twice: before there is an account, for whoever has one already, and after."""
        user = getattr(self, "user", None)
        if user is not None and invited.invitation_for(self.request, user.email) is not None:
            return reverse("invitation", args=[self.request.session[invitations.SESSION_KEY]])
        return self.get_next_url() or resolve_url(settings.LOGIN_REDIRECT_URL)

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = self.render_to_response(self.get_context_data(form=form), status=400)
        return response

    def closed(self) -> HttpResponse:
        response: HttpResponse = super().closed()
        response.status_code = 403
        return response

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        return may_lead_away(super().render_to_response(context, **kwargs))


class ConfirmView(ConfirmEmailView):
    """The link of the mail shows a button, since programs that look for harm in mail open every link."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = get_emailconfirmation_model().from_key(self.kwargs["key"])
        return self._show()

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = get_emailconfirmation_model().from_key(self.kwargs["key"])
        if self.object is None:
            return self._show()
        row = self.object.email_address
        if addresses.is_taken(row.email, but=row.user):
            return self._taken()
        try:
            with transaction.atomic():
                response: HttpResponse = super().post(request, *args, **kwargs)
        except IntegrityError:  # somebody was faster
            return self._taken()
        return response

    def _taken(self) -> HttpResponse:
        request = self.request
        messages.error(request, _("This address belongs to another account by now. Nothing was changed."))
        return redirect("account" if request.user.is_authenticated else settings.LOGIN_URL)

    def _show(self) -> HttpResponse:
        status = 200 if self.object is not None else 404
        response: HttpResponse = self.render_to_response(self.get_context_data(), status=status)
        return response


sign_up = limits.counted(limits.SIGN_UP)(require_http_methods(["GET", "HEAD", "POST"])(SignUpView.as_view()))
sent = never_cache(require_safe(EmailVerificationSentView.as_view()))
confirm = limits.counted(limits.CONFIRM)(
    never_cache(ConfirmView.as_view(http_method_names=["get", "head", "post"]))
)
