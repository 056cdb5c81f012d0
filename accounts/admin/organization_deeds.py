"""What operators do with an organization: suspend it, resume it, look at the shop in a member's place."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget

from accounts import standing_in
from accounts.desk.deeds import Deed, DeedForm, Doer, Refused, deed_of
from accounts.models import Organization
from accounts.organizations import resume, suspend


class OrganizationDeed(Deed[Organization]):
    def hindrance(self, organization: Organization) -> str:
        return _("It was deleted.") if organization.closed_at is not None else ""


@deed_of(Organization)
class Suspend(OrganizationDeed):
    name = "suspend"
    permission = "accounts.suspend_organization"
    title = gettext_lazy("Suspend it")
    hint = gettext_lazy("Its keys are refused, and nothing can be ordered or bought.")
    done_before = gettext_lazy("It is suspended already.")

    def is_done(self, organization: Organization) -> bool:
        return organization.suspended_at is not None

    def says(self, organization: Organization) -> list[str]:
        return [
            _("%(name)s cannot order or buy any more: its keys get 403, organization_suspended.")
            % {"name": organization.name},
            _("Its members can look at what is there, and read that they should ask you. Open tasks go on."),
        ]

    def do(self, request: HttpRequest, organization: Organization, doer: Doer, form: Any) -> str:
        if not suspend(organization, actor=doer.actor, origin=doer.origin, note=doer.reason):
            raise Refused(str(self.done_before))
        return _("%(name)s is suspended.") % {"name": organization.name}


@deed_of(Organization)
class Resume(OrganizationDeed):
    name = "resume"
    permission = "accounts.suspend_organization"
    title = gettext_lazy("Resume it")
    hint = gettext_lazy("Its keys and members may order again.")
    done_before = gettext_lazy("It is not suspended.")

    def is_done(self, organization: Organization) -> bool:
        return organization.suspended_at is None

    def says(self, organization: Organization) -> list[str]:
        return [
            _("%(name)s may order and buy again from the next request on.") % {"name": organization.name},
            _("If it was paused for refused prompts, those until now are not counted again."),
        ]

    def do(self, request: HttpRequest, organization: Organization, doer: Doer, form: Any) -> str:
        if not resume(organization, actor=doer.actor, origin=doer.origin, note=doer.reason):
            raise Refused(str(self.done_before))
        return _("%(name)s may order again.") % {"name": organization.name}


class StandInForm(DeedForm):
    member = forms.ChoiceField(label=gettext_lazy("Member"), widget=UnfoldAdminSelectWidget)

    def __init__(self, organization: Organization, *args: Any) -> None:
        super().__init__(*args)
        self.people = {str(user.uuid): user for user in standing_in.customers_of(organization)}
        self.fields["member"].choices = [(uuid, user.email) for uuid, user in self.people.items()]  # type: ignore[attr-defined]


@deed_of(Organization)
class LookIn(OrganizationDeed):
    name = "look-in"
    permission = standing_in.PERMISSION
    title = gettext_lazy("Look in as a member")
    hint = gettext_lazy("The shop as this customer sees it, to be looked at alone.")

    def hindrance(self, organization: Organization) -> str:
        nobody = "" if standing_in.customers_of(organization) else _("It has no member who could sign in.")
        return super().hindrance(organization) or nobody

    def says(self, organization: Organization) -> list[str]:
        minutes = int(standing_in.LASTS.total_seconds() // 60)
        facts = {"name": organization.name, "minutes": minutes}
        return [
            _(
                "You see the pages of %(name)s as the chosen member does, for %(minutes)d minutes at most. A line on"
                " every page says so, and ends it. Nothing can be ordered, bought or changed, and no page of their"
                " account opens."
            )
            % facts,
            _(
                "Its audit log, which its members can read, says that an operator did so, without your name and reason."
            ),
        ]

    def form(self, organization: Organization, data: Any) -> StandInForm:
        return StandInForm(organization, data)

    def do(self, request: HttpRequest, organization: Organization, doer: Doer, form: Any) -> HttpResponse:
        standing_in.begin(request, organization, form.people[form.cleaned_data["member"]], doer)
        return redirect("home")
