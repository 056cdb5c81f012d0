"""Opening an account, and showing that an address is one's own."""

from typing import Any, cast

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import EmailAddress, Login, get_emailconfirmation_model
from allauth.account.views import ConfirmEmailView, EmailVerificationSentView, SignupView
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts import invitations
from accounts.forms.plain import MAX_PASSWORD
from accounts.signing import addresses, invited, limits, unproven
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
        return may_lead_away(self.request, super().render_to_response(context, **kwargs))


class ConfirmView(ConfirmEmailView):
    """The link of the mail shows a button, since programs that look for harm in mail open every link. Where the
    password was not typed before, it is asked for: the mail comes also when a stranger has signed up with the address.
    """

    problem = ""

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
        is_here = unproven.typed_it_here(request, row.user)
        if not is_here:
            self.problem = self._problem_with_password(row)
            if self.problem:
                return self._show()
        try:
            with transaction.atomic():
                response: HttpResponse = super().post(request, *args, **kwargs)
        except IntegrityError:  # somebody was faster
            return self._taken()
        if is_here:
            return response
        record_authentication(request, row.user, "password")
        return cast(HttpResponse, perform_login(request, Login(user=row.user, email=row.email)))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        user = self.object and self.object.email_address.user
        asks = user is not None and not unproven.typed_it_here(self.request, user)
        return context | {"asks_password": asks, "problem": self.problem}

    def _problem_with_password(self, row: EmailAddress) -> str:
        wait_s = limits.seconds_to_sign_in(self.request, row.email)
        if wait_s:
            return limits.wait_words(wait_s)
        if row.user.check_password(self.request.POST.get("password", "")[:MAX_PASSWORD]):
            return ""
        return _("This is not the password that was chosen with the address. Try again.")

    def _taken(self) -> HttpResponse:
        request = self.request
        messages.error(request, _("This address belongs to another account by now. Nothing was changed."))
        return redirect("account" if request.user.is_authenticated else settings.LOGIN_URL)

    def _show(self) -> HttpResponse:
        status = 404 if self.object is None else 400 if self.problem else 200
        response: HttpResponse = self.render_to_response(self.get_context_data(), status=status)
        return response


sign_up = limits.counted(limits.SIGN_UP)(require_http_methods(["GET", "HEAD", "POST"])(SignUpView.as_view()))
sent = never_cache(require_safe(EmailVerificationSentView.as_view()))
confirm = limits.counted(limits.CONFIRM)(
    never_cache(
        sensitive_post_parameters("password")(ConfirmView.as_view(http_method_names=["get", "head", "post"]))
    )
)
