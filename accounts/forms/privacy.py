"""What people type to delete an organization or themselves, and how long things are kept."""

import unicodedata
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms.plain import MAX_PASSWORD
from accounts.models import Organization, User


def as_typed(text: str) -> str:
    """Names as a reader compares them: without invisible signs, which nobody can type, and doubled spaces."""
    visible = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    return " ".join(unicodedata.normalize("NFC", visible).split())


class DeleteOrganizationForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Type its name to confirm"), max_length=200, strip=False)

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._organization = organization

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if as_typed(name) != as_typed(self._organization.name):
            raise forms.ValidationError(_("This is not its name. Type it as it is written above."))
        return name


class DeleteOwnAccountForm(forms.Form):
    """`password` only of those who have one."""

    email = forms.CharField(label=gettext_lazy("Type your e-mail address to confirm"), max_length=254)
    password = forms.CharField(
        label=gettext_lazy("Your password"), strip=False, max_length=MAX_PASSWORD, required=True
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user
        if not user.has_usable_password():
            del self.fields["password"]

    def clean_email(self) -> str:
        email = User.objects.clean_email(str(self.cleaned_data["email"]))
        if email != self._user.email:
            raise forms.ValidationError(_("This is not the address of your account."))
        return email

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        if not self._user.check_password(password):
            raise forms.ValidationError(_("This is not your password. Try again."))
        return password


class RetentionForm(forms.Form):
    days = forms.IntegerField(
        label=gettext_lazy("Days"),
        required=False,
        min_value=1,
        error_messages=dict.fromkeys(
            ("invalid", "min_value"), gettext_lazy("A whole number of days, or nothing for the shop's own.")
        ),
    )

    def clean_days(self) -> int | None:
        days: int | None = self.cleaned_data["days"]
        if days is not None and days > settings.RETENTION_DAYS:
            words = _("This shop keeps images for %(most)d days at most.") % {"most": settings.RETENTION_DAYS}
            raise forms.ValidationError(words)
        return days
