"""What the pages of webhooks are filled with; what is right is decided in service.py, as for the API."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from webhooks.event_types import EVENT_TYPES
from webhooks.models import DeliveryState

SINCE_HOURS = {
    1: _("of the last hour"),
    24: _("of the last day"),
    72: _("of the last 3 days"),
    720: _("of the last 30 days"),
}


class EndpointForm(forms.Form):
    url = forms.CharField(required=False, label=_("Address"))
    livemode = forms.ChoiceField(
        required=False, choices=[("live", _("Live")), ("test", _("Test"))], initial="live", label=_("Mode")
    )
    events = forms.MultipleChoiceField(
        required=False,
        choices=list(EVENT_TYPES.items()),
        initial=["generation.succeeded", "generation.failed", "generation.canceled"],
        label=_("Events"),
    )

    @property
    def event_rows(self) -> list[dict[str, Any]]:
        chosen = self["events"].value() or []
        return [
            {"value": value, "help": words, "is_chosen": value in chosen}
            for value, words in EVENT_TYPES.items()
        ]


class SinceForm(forms.Form):
    hours = forms.TypedChoiceField(
        choices=list(SINCE_HOURS.items()), coerce=int, initial=24, label=_("Those that failed")
    )


class LogForm(forms.Form):
    status = forms.ChoiceField(
        required=False, choices=[("", _("all")), *DeliveryState.choices], label=_("State")
    )
