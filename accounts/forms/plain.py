"""What the shop's forms have in common with each other, and not with those of allauth."""

from allauth.account.fields import PasswordField
from django import forms
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

MAX_PASSWORD = 1024
MAX_EMAIL = 254
PASSWORD_ADVICE = _("At least 10 characters. A few words that only you would put together are good.")


class Plain(forms.Form):
    """Labels, but no placeholders that repeat them; a new password is typed once, and is of sane length."""

    use_required_attribute = True

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields.pop("password2", None)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            if isinstance(field, PasswordField):
                field.validators.append(MaxLengthValidator(MAX_PASSWORD))
                field.widget.attrs["maxlength"] = MAX_PASSWORD
                field.help_text = PASSWORD_ADVICE if name == "password1" else ""
        if "email" in self.fields:
            self.fields["email"].label = _("E-mail")
            self.fields["email"].validators.append(MaxLengthValidator(MAX_EMAIL))
            self.fields["email"].widget.attrs["maxlength"] = MAX_EMAIL
        if "password1" in self.fields:
            self.fields["password1"].label = _("New password")
        if "code" in self.fields:
            code = self.fields["code"]
            code.label = _("Code")
            code.validators.append(MaxLengthValidator(40))
            code.widget.attrs |= {"maxlength": 40, "inputmode": "numeric", "autofocus": True}
