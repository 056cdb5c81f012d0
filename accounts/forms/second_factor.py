"""Codes and passkeys. What is sent as a passkey is checked by fido2, which trips over nonsense in many ways."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as of_codes
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn import forms as of_passkeys
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.forms.plain import Plain
from accounts.models import User
from accounts.signing import limits, second_factor

MAX_NAME = 80
LARGEST_ALGORITHM = 65_535  # of COSE's, without its sign
NO_PASSKEY = _("That was no passkey that we know at this address. Try again, or sign in another way.")


def require_patience(user: User) -> None:
    """Raises ValidationError once this person's codes were guessed at too often."""
    wait_s = limits.seconds_to_wait(limits.by_person(user, limits.CODE))
    if wait_s:
        raise ValidationError(limits.wait_words(wait_s))


class _OnceForm(Plain):
    user: User
    authenticator: Any

    def clean_code(self) -> str:
        require_patience(self.user)
        code: str = super().clean_code()  # type: ignore[misc]  # allauth's, further on
        if self.authenticator.type == Authenticator.Type.TOTP and not second_factor.spend_code(
            self.authenticator, code
        ):
            raise get_adapter().validation_error("incorrect_code")
        return code


class CodeForm(_OnceForm, of_codes.AuthenticateForm):
    pass


class CodeAgainForm(_OnceForm, of_codes.ReauthenticateForm):
    pass


class SwitchOnForm(Plain, ActivateTOTPForm):
    pass


class CredentialField(forms.JSONField):
    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        try:
            parsed = super().to_python(value)
            nonsense = not isinstance(parsed, dict) or _holds_large_number(parsed)
        except RecursionError:
            nonsense = True
        if nonsense:
            raise ValidationError(NO_PASSKEY)
        return parsed


def _holds_large_number(value: Any) -> bool:
    """A browser sends none but names of algorithms. fido2 asks Python for bytes(n), which are n zeros: all memory."""
    if isinstance(value, dict):
        return any(_holds_large_number(member) for member in value.values())
    if isinstance(value, list):
        return any(_holds_large_number(member) for member in value)
    return isinstance(value, int) and abs(value) > LARGEST_ALGORITHM


@contextmanager
def nonsense_is_no_passkey() -> Iterator[None]:
    try:
        yield
    except second_factor.NONSENSE:
        raise ValidationError(NO_PASSKEY) from None


class _NameForm(Plain):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name: Any = self.fields["name"]
        self.fields["name"] = forms.CharField(
            label=_("Name"), required=name.required, max_length=MAX_NAME, initial=name.initial
        )


class NewPasskeyForm(_NameForm, of_passkeys.AddWebAuthnForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = CredentialField()

    def clean(self) -> dict[str, Any]:
        with nonsense_is_no_passkey():
            cleaned: dict[str, Any] = super().clean() or {}
        return cleaned


class RenamePasskeyForm(_NameForm, of_passkeys.EditWebAuthnForm):
    pass


class _PasskeyForm(Plain):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = CredentialField()

    def clean_credential(self) -> Any:
        with nonsense_is_no_passkey():
            return super().clean_credential()  # type: ignore[misc]  # allauth's, further on


class PasskeyForm(_PasskeyForm, of_passkeys.AuthenticateWebAuthnForm):
    pass


class PasskeyAgainForm(_PasskeyForm, of_passkeys.ReauthenticateWebAuthnForm):
    pass


class PasskeySignInForm(_PasskeyForm, of_passkeys.LoginWebAuthnForm):
    pass
