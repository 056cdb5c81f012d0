"""Passwords: forgotten, replaced, and asked for once more."""

from allauth.account import forms as theirs
from django.core.exceptions import ValidationError

from accounts.forms.plain import Plain
from accounts.models import User
from accounts.signing import addresses, limits


def require_patience(user: User) -> None:
    """Raises ValidationError once this person was guessed about too often."""
    wait_s = limits.seconds_to_wait(limits.by_person(user, limits.PASSWORD_AGAIN))
    if wait_s:
        raise ValidationError(limits.wait_words(wait_s))


class ResetForm(Plain, theirs.ResetPasswordForm):
    users: list[User]

    def clean_email(self) -> str:
        """Only whose address it is: what waits to be confirmed by somebody leads to nobody's account."""
        email = str(super().clean_email()).lower()
        self.users = [user for user in self.users if user.email == email]
        for user in self.users:
            addresses.ensure(user)
        return email


class NewPasswordForm(Plain, theirs.ResetPasswordKeyForm):
    pass


class ChangePasswordForm(Plain, theirs.ChangePasswordForm):
    def clean_oldpassword(self) -> str:
        require_patience(self.user)
        return str(super().clean_oldpassword())


class SetPasswordForm(Plain, theirs.SetPasswordForm):
    pass


class PasswordAgainForm(Plain, theirs.ReauthenticateForm):
    def clean_password(self) -> str:
        require_patience(self.user)
        return str(super().clean_password())
