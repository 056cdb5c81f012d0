"""Goodwill for an incident: entered, looked at, given, and once more where something was missed."""

import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import figures
from accounts.clock import read_db_now
from accounts.desk.base import RowForm, actor_of
from accounts.desk.deeds import Deed, Doer, WithDeeds, deed_of
from accounts.desk.scope import shop_of_desk
from generations import incidents
from generations.admin.task_deeds import MOST_CREDITS
from generations.models import Incident, IncidentState

PERMISSION = "generations.credit_incident"
STATES = (IncidentState.RUNNING, IncidentState.DONE)


class IncidentForm(RowForm):
    class Meta:
        model = Incident
        fields = ("name", "since", "until", "upstream", "affected", "credits_each")
        help_texts = {
            "name": gettext_lazy("For operators alone."),
            "since": gettext_lazy("When the first affected tasks ended (UTC)."),
            "until": gettext_lazy("When it was over (UTC): tasks that ended before."),
            "upstream": gettext_lazy("Tasks that were tried there, whatever else was tried. Empty: all."),
            "credits_each": gettext_lazy("Empty: what each task costs."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "credits_each" in self.fields:
            self.fields["credits_each"].widget.attrs["min"] = 1

    def clean_credits_each(self) -> int | None:
        credits: int | None = self.cleaned_data["credits_each"]
        if credits is not None and not 1 <= credits <= MOST_CREDITS:
            raise ValidationError(_("From 1 to %(most)s.") % {"most": figures.count(MOST_CREDITS)})
        return credits

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until:
            if until <= since:
                self.add_error("until", ValidationError(_("It would end before it begins.")))
            elif until - since > incidents.LONGEST:
                words = _("At most %(days)d days at once.")
                self.add_error("until", ValidationError(words % {"days": incidents.LONGEST.days}))
            elif until > read_db_now() + datetime.timedelta(seconds=1):
                self.add_error(
                    "until", ValidationError(_("Wait until it is over: tasks may still end then."))
                )
        return cleaned


@admin.register(Incident)
class IncidentAdmin(WithDeeds):
    shop_path = "shop"
    form = IncidentForm
    list_display = ("name", "since", "until", "upstream", "affected", "state", "created_at")
    list_select_related = ("upstream",)
    ordering = ("-pk",)
    _entered = ("name", "since", "until", "upstream", "affected", "credits_each")
    _shown = ("state", "extent_shown", "given_shown", "others_shown", "finished_at")
    readonly_fields = ("extent_shown", "given_shown", "others_shown")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(PERMISSION))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request) or self.may(request, "view")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_fields(self, request: HttpRequest, obj: Incident | None = None) -> Any:
        return self._entered if obj is None else (*self._entered, *self._shown)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        one_way = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, {**one_way, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: Incident, form: Any, change: bool) -> None:
        found, is_new = incidents.draft(shop_of_desk(request), actor=actor_of(request), **form.cleaned_data)
        obj.pk = found.pk
        obj.refresh_from_db()
        if not is_new:
            words = _("This incident was entered before, as “%(name)s”: here it is.")
            self.message_user(request, words % {"name": found.name}, messages.WARNING)

    def response_add(
        self, request: HttpRequest, obj: Incident, post_url_continue: str | None = None
    ) -> HttpResponse:
        """To what it comes to, which is looked at before anything is given."""
        return HttpResponseRedirect(reverse("admin:generations_incident_change", args=[obj.pk]))

    @admin.display(description=gettext_lazy("affected"))
    def extent_shown(self, incident: Incident) -> str:
        return in_words(incidents.extent(incident))

    @admin.display(description=gettext_lazy("given so far"))
    def given_shown(self, incident: Incident) -> str:
        return in_words(incidents.given(incident))

    @admin.display(description=gettext_lazy("others of that time, for which credits were given"))
    def others_shown(self, incident: Incident) -> str:
        rows = [
            (reverse("admin:generations_incident_change", args=[other.pk]), other.name)
            for other in incidents.others_of_that_time(incident)[:20]
        ]
        return format_html_join("", '<div><a class="underline" href="{}">{}</a></div>', rows) or "-"


class Give(Deed[Incident]):
    permission = PERMISSION

    def says(self, incident: Incident) -> list[str]:
        texts = [
            _("Affected: %(extent)s.") % {"extent": in_words(incidents.extent(incident))},
            _(
                "Each of these tasks brings its organization one gift, and each organization hears of all of its own"
                " together. However often this is done, no task brings twice."
            ),
        ]
        if incidents.others_of_that_time(incident).exists():
            texts.append(
                _(
                    "Careful: for another incident of that time credits were given, perhaps for the same tasks."
                )
            )
        return texts

    def do(self, request: HttpRequest, incident: Incident, doer: Doer, form: Any) -> str:
        incidents.start(incident, doer)
        return _("The credits are being given. Load this page again to see how far it is.")


@deed_of(Incident)
class GiveCredits(Give):
    name = "give"
    title = gettext_lazy("Give the credits")
    hint = gettext_lazy("What it comes to is said once more before.")
    done_before = gettext_lazy("They were given, or are being given.")

    def is_done(self, incident: Incident) -> bool:
        return incident.state in STATES


@deed_of(Incident)
class GiveAgain(Give):
    name = "again"
    title = gettext_lazy("Look for missed ones")
    hint = gettext_lazy(
        "Goes through all affected tasks once more; those that have their credits get no more."
    )

    def hindrance(self, incident: Incident) -> str:
        return "" if incident.state == IncidentState.DONE else _("They have not been given yet.")


def in_words(extent: incidents.Extent) -> str:
    customers = ngettext("%(shown)s customer", "%(shown)s customers", extent.customers)
    tasks = ngettext("%(shown)s task", "%(shown)s tasks", extent.tasks)
    return ", ".join(
        (
            customers % {"shown": figures.count(extent.customers)},
            tasks % {"shown": figures.count(extent.tasks)},
            figures.credits(extent.credits),
        )
    )
