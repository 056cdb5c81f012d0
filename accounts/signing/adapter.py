"""The shop's own answers to what allauth asks of a project."""

from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.mail import outbox
from accounts.models import SignUp, User
from accounts.origin import origin_of
from accounts.pages import is_path_of_ours
from accounts.shops import shop_of
from accounts.signing import addresses, failures, invited, limits, rules

MISMATCH = _("This e-mail and password do not match. Try again.")
# What is asked for by anybody who knows an address, so it is limited for each mailbox.
ASKED_FOR = {
    "account/email/email_confirmation": "confirm_address",
    "account/email/email_confirmation_signup": "confirm_address",
    "account/email/account_already_exists": "account_known",
    "account/email/password_reset_key": "reset_password",
    "account/email/unknown_account": "account_unknown",
}
NEWS = {
    "account/email/password_changed": _("Your password was changed."),
    "account/email/password_reset": _("Your password was reset."),
    "account/email/password_set": _("A password was set for your account."),
    "account/email/email_changed": _("The e-mail address of your account was changed to another one."),
    "account/email/email_deleted": _("An address that waited to be confirmed was forgotten."),
    "mfa/email/totp_activated": _("Signing in with an authenticator app was switched on."),
    "mfa/email/totp_deactivated": _("Signing in with an authenticator app was switched off."),
    "mfa/email/recovery_codes_generated": _("New recovery codes were made. The earlier ones are void."),
    "mfa/email/webauthn_added": _("A passkey was added to your account."),
    "mfa/email/webauthn_removed": _("A passkey was removed from your account."),
    "socialaccount/email/account_connected": _("An account elsewhere was connected, to sign in with."),
    "socialaccount/email/account_disconnected": _("An account elsewhere was disconnected."),
}


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": MISMATCH,
        "enter_current_password": _("This is not your present password. Try again."),
        "incorrect_password": _("This is not your password. Try again."),
        "duplicate_email": _("This is your address already."),
    }

    # --- Who gets in ----------------------------------------------------------------------------

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        who = rules.who_may_sign_up(shop_of(request))
        if who == SignUp.INVITATION:
            return invited.invitation_of(request) is not None
        return who == SignUp.OPEN

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        user = super().authenticate(request, **credentials)
        if not isinstance(user, User):
            return None
        if not user.is_active:  # which allauth would tell
            self.authentication_failed(request, **credentials)
            return None
        addresses.ensure(user)
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        email = User.objects.clean_email(credentials.get("email") or "")
        user = User.objects.filter(email=email).first()
        if user is not None:
            failures.note(request, user, "password")

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        messages.error(request, MISMATCH)
        return redirect(settings.LOGIN_URL)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever signed in a few minutes ago has just shown who they are."""
        request = context.request
        records = get_authentication_records(request, request.user)
        oldest = now().timestamp() - app_settings.REAUTHENTICATION_TIMEOUT
        return not any(record["at"] >= oldest for record in records)

    # --- Where to -------------------------------------------------------------------------------

    def is_safe_url(self, url: str) -> bool:
        return is_path_of_ours(url)

    def get_email_verification_redirect_url(self, email_address: Any) -> str:
        signed_in = self.request.user.is_authenticated
        return reverse("account") if signed_in else resolve_url(settings.LOGIN_URL)

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account")

    def is_ajax(self, request: HttpRequest) -> bool:
        """Pages are pages; only the challenge of a passkey is fetched by a script."""
        return request.method == "GET" and request.path == reverse("mfa_login_webauthn")

    def get_client_ip(self, request: HttpRequest) -> str:
        return origin_of(request).address or "0.0.0.0"  # noqa: S104 - none is known, as on a Unix socket

    # --- Mail -----------------------------------------------------------------------------------

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queued: nobody waits for a mail server, and whether there is one to write to takes no time."""
        shop = shop_of(self.request)
        if template_prefix in ASKED_FOR:
            if limits.may_mail(email):
                outbox.queue_template(
                    shop, email, ASKED_FOR[template_prefix], context, language=get_language()
                )
            return
        news = {"news": NEWS[template_prefix], **context}
        outbox.queue_template(shop, email, "account_news", news, language=get_language())

    def send_account_already_exists_mail(self, email: str) -> None:
        self.send_mail("account/email/account_already_exists", email, {})

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        row = emailconfirmation.email_address
        if addresses.is_taken(row.email, but=row.user):
            self.send_account_already_exists_mail(row.email)
            return
        self.send_mail("account/email/email_confirmation", row.email, {"key": emailconfirmation.key})

    def get_reset_password_from_key_url(self, key: str) -> str:
        return ""  # the mail puts it together, beginning with the shop's address and not with what a client calls us

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        return ""
