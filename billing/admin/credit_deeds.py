"""Credits that operators give to an organization, or take from it."""

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from accounts import figures
from accounts.admin.organization_deeds import OrganizationDeed
from accounts.desk.deeds import DeedForm, Doer, deed_of
from accounts.models import Organization
from billing import manual, reads


class CreditsForm(DeedForm):
    credits = forms.IntegerField(
        label=gettext_lazy("Credits"),
        validators=[MinValueValidator(1), MaxValueValidator(manual.MAX_MANUAL_CREDITS)],
        widget=UnfoldAdminIntegerFieldWidget(attrs={"min": 1}),
    )


class CreditsDeed(OrganizationDeed):
    def form(self, organization: Organization, data: Any) -> CreditsForm:
        return CreditsForm(data)

    def whose(self, organization: Organization) -> str:
        balance = reads.balance(organization.pk)
        facts = {
            "name": organization.name,
            "available": figures.credits(balance.available),
            "held": figures.count(balance.held),
            "owed": figures.count(balance.owed),
        }
        return (
            _("%(name)s has %(available)s; %(held)s more are held for open tasks, %(owed)s are owed.") % facts
        )


@deed_of(Organization)
class GrantCredits(CreditsDeed):
    name = "grant-credits"
    permission = "billing.grant_credits"
    title = gettext_lazy("Give credits")
    hint = gettext_lazy("As a gift: they carry no income.")

    def outlook(self, organization: Organization) -> str:
        return _(
            "What you enter is added at once, after what is owed has been repaid. Its webhooks hear of it."
        )

    def do(self, request: HttpRequest, organization: Organization, doer: Doer, form: Any) -> str:
        given = form.cleaned_data["credits"]
        entry = manual.grant(
            organization.pk,
            given,
            reason=doer.reason,
            actor=doer.actor,
            origin=doer.origin,
            once=doer.once,
        )
        if entry is None:
            return _("That form was sent before: nothing was given again.")
        return _("%(credits)s were given.") % {"credits": figures.credits(given)}


@deed_of(Organization)
class TakeCredits(CreditsDeed):
    name = "take-credits"
    permission = "billing.take_credits"
    title = gettext_lazy("Take credits")
    hint = gettext_lazy("At most what is available; nothing becomes owed.")

    def outlook(self, organization: Organization) -> str:
        return _(
            "At most what is available is taken, with its share of what was paid. Open tasks keep what they hold."
        )

    def do(self, request: HttpRequest, organization: Organization, doer: Doer, form: Any) -> str:
        entry = manual.take(
            organization.pk,
            form.cleaned_data["credits"],
            reason=doer.reason,
            actor=doer.actor,
            origin=doer.origin,
            once=doer.once,
        )
        if entry is None:
            return _("That form was sent before: nothing was taken again.")
        return _("%(credits)s were taken.") % {"credits": figures.credits(-entry.available)}
