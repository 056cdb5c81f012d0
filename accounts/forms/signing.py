"""What people type to sign in."""

from django import forms
from django.utils.translation import gettext_lazy as _

MAX_PASSWORD = 1024


class SignInForm(forms.Form):
    email = forms.EmailField(label=_("E-mail"), max_length=254)
    password = forms.CharField(label=_("Password"), strip=False, max_length=MAX_PASSWORD)
