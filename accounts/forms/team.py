"""What people type about their organizations and teams."""

import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.audit_log import GROUPS, Wanted
from accounts.models import NOBODY, Membership, Role
from accounts.names import MAX_NAME, clean_name

FIRST_DAY, LAST_DAY = datetime.date(2000, 1, 1), datetime.date(2999, 12, 31)


class NameForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        strip=False,
        error_messages={"required": _("A name has 1 to 80 characters, of which some can be seen.")},
        widget=forms.TextInput(attrs={"maxlength": MAX_NAME}),
    )

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])


class InviteForm(forms.Form):
    email = forms.EmailField(label=_("E-mail"), max_length=254)
    role = forms.ChoiceField(
        label=_("Role"), error_messages={"invalid_choice": _("Choose one of the roles in the list.")}
    )

    def __init__(self, *args: Any, roles: list[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(role.value, role.label) for role in roles]  # type: ignore[attr-defined]  # a choice's


class WantedForm(forms.Form):
    """The filters of the audit log, from the address of its page."""

    group = forms.ChoiceField(label=_("What"), required=False)
    actor = forms.ChoiceField(label=_("Who"), required=False)
    since = forms.DateField(label=_("From"), required=False)
    until = forms.DateField(label=_("To"), required=False)

    def __init__(self, *args: Any, members: list[Membership], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups = [(word, words) for word, (words, _actions) in GROUPS.items()]
        self.fields["group"].choices = [("", _("Everything")), *groups]  # type: ignore[attr-defined]  # a choice's
        people = [(one.user.actor, one.user.email) for one in members]
        others = [
            ("keys", _("API keys")),
            ("operator", _("The shop and its operators")),
            (NOBODY, _("Somebody who is not signed in")),
        ]
        self.fields["actor"].choices = [("", _("Everybody")), *people, *others]  # type: ignore[attr-defined]  # a choice's

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("since", "until"):
            if data.get(name) and not FIRST_DAY <= data[name] <= LAST_DAY:
                self.add_error(name, _("Enter a valid date."))
        since, until = data.get("since"), data.get("until")
        if since and until and until < since:
            self.add_error("until", _("That is before the first day."))
        return data

    def wanted(self) -> Wanted:
        return Wanted(**self.cleaned_data)
