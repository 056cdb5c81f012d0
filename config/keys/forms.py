"""The forms of the pages of keys; what is right is decided in draft.py, as for the API."""

import datetime
import re
from dataclasses import fields, replace
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.access import Access
from accounts.api_keys import LONGEST_OVERLAP, USUAL_OVERLAP
from accounts.models import SCOPES
from accounts.names import MAX_NAME
from accounts.rates import key_rate
from config.keys.draft import MAX_CAP_CREDITS, Bounds, Draft, Invalid, checked

SCOPE_WORDS = {
    "generate": (_("Generate"), _("makes images and spends credits")),
    "read": (_("Read"), _("sees tasks, balance and usage")),
    "admin": (_("Manage"), _("makes and changes keys and webhooks")),
}
OVERLAPS = {
    0: _("not at all"),
    3600: _("for an hour"),
    int(USUAL_OVERLAP.total_seconds()): _("for 24 hours"),
    3 * 86_400: _("for 3 days"),
    int(LONGEST_OVERLAP.total_seconds()): _("for 7 days"),
}
_SEPARATORS = re.compile(r"[\s,;]+")
# More than a number can have here: it is refused with a word instead of being read.
MAX_DIGITS = 20


class Numbers(forms.IntegerField):
    def __init__(self, label: Any) -> None:
        super().__init__(required=False, label=label, error_messages={"invalid": _("A whole number.")})

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, str) and len(value.strip()) > MAX_DIGITS:
            raise forms.ValidationError(self.error_messages["invalid"])
        return super().to_python(value)


class KeyForm(forms.Form):
    """When valid, `draft` holds what was asked for; `was` is what a change begins from, `kept` what was typed already
    and is shown again.
    """

    name = forms.CharField(required=False, label=_("Name"), strip=True)
    livemode = forms.ChoiceField(
        choices=[("live", _("Live")), ("test", _("Test"))], initial="live", label=_("Mode")
    )
    scopes = forms.MultipleChoiceField(
        required=False,
        label=_("What it may do"),
        initial=["generate", "read"],
        error_messages={"invalid_choice": _("Your role cannot give this.")},
    )
    expires_at = forms.DateTimeField(
        required=False,
        label=_("Expires"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        error_messages={"invalid": _("A date and a time, such as 2027-01-31T12:00.")},
    )
    allowed_addresses = forms.CharField(required=False, label=_("Only from these addresses"))
    rate_per_minute = Numbers(_("Orders a minute"))
    burst = Numbers(_("Orders at once"))
    max_open_tasks = Numbers(_("Open tasks"))
    day_cap = Numbers(_("Credits a day"))
    month_cap = Numbers(_("Credits a month"))
    lifetime_cap = Numbers(_("Credits in all"))

    draft: Draft

    def __init__(
        self,
        *args: Any,
        access: Access,
        was: Draft | None = None,
        kept: dict[str, list[str]] | None = None,
        **kwargs: Any,
    ) -> None:
        self.access, self.was = access, was
        self.bounds = Bounds.of(access.organization)
        self.usual = key_rate(None)
        self.most_credits, self.longest_name = MAX_CAP_CREDITS, MAX_NAME
        if was is not None:
            kwargs["initial"] = _initial(was)
        if kept:
            typed = {name: values if name == "scopes" else values[0] for name, values in kept.items()}
            kwargs["initial"] = kwargs.get("initial", {}) | {"scopes": []} | typed
        super().__init__(*args, **kwargs)
        may_give = access.scopes | set(was.scopes if was else ())
        scopes = cast(forms.MultipleChoiceField, self.fields["scopes"])
        scopes.choices = [(scope, SCOPE_WORDS[scope][0]) for scope in SCOPES if scope in may_give]
        if was is not None:
            del self.fields["livemode"]

    def clean_expires_at(self) -> datetime.datetime | None:
        moment: datetime.datetime | None = self.cleaned_data["expires_at"]
        try:
            return moment.astimezone(datetime.UTC) if moment else None
        except OverflowError:  # with a zone, at the very edge of what can be written
            raise forms.ValidationError(self.fields["expires_at"].error_messages["invalid"]) from None

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        if self.errors:
            return data
        named = {field.name: data[field.name] for field in fields(Draft)}
        named["scopes"] = tuple(data["scopes"])
        entries = tuple(entry for entry in _SEPARATORS.split(data["allowed_addresses"]) if entry)
        named["allowed_addresses"] = entries
        if self.was is not None and _shown(self.was.expires_at) == _shown(named["expires_at"]):
            named["expires_at"] = self.was.expires_at  # the form shows no fractions of a second
        draft = replace(Draft(), **named)
        try:
            checked(self.access, draft, self.was)
        except Invalid as error:
            for field, problem in error.problems.items():
                self.add_error(field, problem)
        self.draft = draft
        return data

    @property
    def gives_admin(self) -> bool:
        """Of a valid form: whether the key could manage others only from now on."""
        return "admin" in self.draft.scopes and (self.was is None or "admin" not in self.was.scopes)

    @property
    def scope_rows(self) -> list[dict[str, Any]]:
        """The boxes to tick, with what each stands for."""
        chosen = self["scopes"].value() or []
        choices: Any = cast(forms.MultipleChoiceField, self.fields["scopes"]).choices
        return [
            {
                "value": scope,
                "label": label,
                "help": SCOPE_WORDS[scope][1],
                "is_chosen": scope in chosen,
            }
            for scope, label in choices
        ]


class RotateForm(forms.Form):
    overlap = forms.TypedChoiceField(
        choices=list(OVERLAPS.items()),
        coerce=int,
        label=_("The old key works on"),
        initial=int(USUAL_OVERLAP.total_seconds()),
    )

    @property
    def length(self) -> datetime.timedelta:
        return datetime.timedelta(seconds=self.cleaned_data["overlap"])


def _initial(was: Draft) -> dict[str, Any]:
    initial: dict[str, Any] = {field.name: getattr(was, field.name) for field in fields(was)}
    initial["scopes"] = list(was.scopes)
    initial["allowed_addresses"] = "\n".join(was.allowed_addresses)
    initial["expires_at"] = _shown(was.expires_at)
    return initial


def _shown(moment: datetime.datetime | None) -> str:
    """As a browser's field for dates and times writes it."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M") if moment else ""
