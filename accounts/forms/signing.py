"""What people type to sign up and in, and for another address."""

from typing import Any

from allauth.account.fields import PasswordField
from allauth.account.forms import AddEmailForm, LoginForm, SignupForm
from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.socialaccount.forms import SignupForm as SocialForm
from django import forms
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import terms
from accounts.addresses import client_address
from accounts.audit import record_of_person
from accounts.forms.plain import Plain
from accounts.models import AuditAction, SignUp, User
from accounts.names import MAX_NAME, clean_name
from accounts.organizations import called_after, found_another
from accounts.origin import origin_of
from accounts.shops import shop_of
from accounts.signing import addresses, invited, limits, rules, social


def _require_invitation(email: str) -> None:
    """Raises ValidationError where only people who were invited may sign up, and this address was not."""
    by_invitation = rules.who_may_sign_up(shop_of(context.request)) == SignUp.INVITATION
    if by_invitation and invited.invitation_for(context.request, email) is None:
        raise ValidationError(_("Use the address that the invitation was sent to."))


class SignInForm(Plain, LoginForm):
    password = PasswordField(label=_("Password"), autocomplete="current-password")

    def add_prefix(self, field_name: str) -> str:
        """Named for what it is."""
        return "email" if field_name == "login" else field_name


class FoundingForm(Plain):
    """Beside the account: the organization that it owns, and what the shop wants to have accepted."""

    organization = forms.CharField(label=_("Organization"), required=False, max_length=MAX_NAME)
    accept = forms.BooleanField(
        error_messages={"required": _("Tick the box to accept, or no account can be opened.")}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.documents = terms.asked(shop_of(context.request))
        if not self.documents:
            del self.fields["accept"]

    def clean_organization(self) -> str:
        name: str = self.cleaned_data["organization"]
        return clean_name(name) if name else name

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if any(self.data.get(document.kind) != document.version for document in self.documents):
            self.add_error("accept", _("This has changed since you opened the page. Please look again."))
        return cleaned

    def begin(self, request: HttpRequest, user: User, *, founds: bool, is_confirmed: bool) -> None:
        """What a new account comes with. Part of the caller's transaction."""
        shop = shop_of(request)
        if self.documents:
            terms.accept(user, shop, {document.kind: document.version for document in self.documents})
        if founds:
            name = self.cleaned_data["organization"] or called_after(user.email)
            found_another(shop, name, user, origin_of(request))
        if is_confirmed:
            addresses.confirmed(user, client_address(request))


class SignUpForm(FoundingForm, SignupForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].label = _("Password")

    def clean_email(self) -> str:
        _require_invitation(self.cleaned_data["email"])
        addresses.refuse_domain(self.cleaned_data["email"], shop_of(context.request))
        return str(super().clean_email())

    def validate_unique_email(self, value: str) -> str:
        """Nobody is told here; the mail tells whoever can read it."""
        self.account_already_exists = addresses.is_taken(value)
        return value

    def try_save(self, request: HttpRequest) -> Any:
        # Outside any transaction, and for known addresses as well: it takes longer than all the rest.
        self.hashed = make_password(self.cleaned_data["password1"])
        try:
            return super().try_save(request)
        except IntegrityError:
            if not addresses.is_taken(self.cleaned_data["email"]):
                raise
            self.account_already_exists = True  # somebody was faster
            return super().try_save(request)

    def save(self, request: HttpRequest) -> User:
        email = self.cleaned_data["email"]
        invitation = invited.invitation_for(request, email)
        with transaction.atomic():
            user = User.objects.create(email=email, password=self.hashed, language=get_language() or "")
            EmailAddress.objects.create(user=user, email=email, primary=True, verified=invitation is not None)
            self.begin(request, user, founds=invitation is None, is_confirmed=invitation is not None)
        record_authentication(request, user, "password")  # they have just chosen it
        return user


class SocialSignUpForm(FoundingForm, SocialForm):
    """The address is the one that the provider vouches for, whatever is sent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = False
        self.address = social.confirmed_address(self.sociallogin)

    def clean_email(self) -> str:
        if not self.address:
            raise ValidationError(
                _("Your account there has no confirmed address. Sign up by e-mail instead.")
            )
        _require_invitation(self.address)
        addresses.refuse_domain(self.address, shop_of(context.request))
        if addresses.is_taken(self.address):  # whom we tell it is its owner
            raise ValidationError(
                _(
                    "You have an account with this address. Sign in to it, then connect this one under Account."
                )
            )
        return self.address

    def save(self, request: HttpRequest) -> User:
        login = self.sociallogin
        login.user.email = self.address
        login.user.set_unusable_password()
        login.user.language = get_language() or ""
        login.email_addresses = [EmailAddress(email=self.address, verified=True, primary=True)]
        invitation = invited.invitation_for(request, self.address)
        with transaction.atomic():
            login.save(request)
            user: User = login.user
            self.begin(request, user, founds=invitation is None, is_confirmed=True)
            record_of_person(
                user,
                AuditAction.ACCOUNT_CONNECTED,
                origin=origin_of(request),
                provider=login.account.provider,
            )
        return user


class NewAddressForm(Plain, AddEmailForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("New e-mail")

    def clean_email(self) -> str:
        wait_s = limits.seconds_to_wait(limits.by_person(self.user, limits.NEW_ADDRESS))
        if wait_s:
            raise ValidationError(limits.wait_words(wait_s))
        addresses.refuse_domain(self.cleaned_data["email"], shop_of(context.request))
        return str(super().clean_email())
