"""What operators do about one task: give credits for it, have it made again, cancel it."""

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from accounts import figures
from accounts.desk.deeds import Deed, DeedForm, Doer, deed_of
from generations import remedies
from generations.models import Generation

MOST_CREDITS = 1_000_000


class TaskDeed(Deed[Generation]):
    def whose(self, generation: Generation) -> str:
        facts = {
            "task": generation.task_id,
            "name": generation.organization.name,
            "state": generation.get_status_display(),
            "why": generation.error_type or "-",
        }
        return _("%(task)s of %(name)s: %(state)s, %(why)s.") % facts


class CreditForm(DeedForm):
    credits = forms.IntegerField(
        label=gettext_lazy("Credits"),
        validators=[MinValueValidator(1), MaxValueValidator(MOST_CREDITS)],
        widget=UnfoldAdminIntegerFieldWidget(attrs={"min": 1}),
    )


@deed_of(Generation)
class Credit(TaskDeed):
    name = "credit"
    permission = "billing.grant_credits"
    title = gettext_lazy("Give credits for it")
    hint = gettext_lazy("As goodwill, once for each task.")

    def hindrance(self, generation: Generation) -> str:
        if not generation.livemode:
            return _("It was ordered by a test key, and cost nothing.")
        return _("Its organization was deleted.") if generation.organization.closed_at is not None else ""

    def outlook(self, generation: Generation) -> str:
        words = _(
            "Its price was %(price)s. What you enter is added to the wallet as a gift, once for this task."
        )
        return words % {"price": figures.credits(generation.price_credits)}

    def form(self, generation: Generation, data: Any) -> CreditForm:
        return CreditForm(data, initial={"credits": generation.price_credits})

    def do(self, request: HttpRequest, generation: Generation, doer: Doer, form: Any) -> str:
        remedies.credit(generation, form.cleaned_data["credits"], doer)
        return _("%(credits)s were given.") % {"credits": figures.credits(form.cleaned_data["credits"])}


@deed_of(Generation)
class Retry(TaskDeed):
    name = "retry"
    permission = "generations.retry_generation"
    title = gettext_lazy("Make it again")
    hint = gettext_lazy("As a new task that costs the customer nothing.")

    def hindrance(self, generation: Generation) -> str:
        return remedies.retry_obstacle(generation)

    def outlook(self, generation: Generation) -> str:
        return _(
            "Its price is given to the wallet, and a new task for the same is ordered with it: the customer"
            " pays nothing, and keeps the credits if that fails, too. Their webhooks hear of the new task as of"
            " any other."
        )

    def do(self, request: HttpRequest, generation: Generation, doer: Doer, form: Any) -> str:
        made = remedies.retry(generation, doer)
        return _("%(task)s is made in its place.") % {"task": made.task_id}


@deed_of(Generation)
class Cancel(TaskDeed):
    name = "cancel"
    permission = "generations.cancel_generation"
    title = gettext_lazy("Cancel it")
    hint = gettext_lazy("Frees what is held for it.")

    def hindrance(self, generation: Generation) -> str:
        return remedies.cancel_obstacle(generation)

    def outlook(self, generation: Generation) -> str:
        return _(
            "It ends at once, and the customer pays nothing. If its upstream goes on all the same, what that"
            " costs is yours, and its image is thrown away."
        )

    def do(self, request: HttpRequest, generation: Generation, doer: Doer, form: Any) -> str:
        remedies.cancel(generation, doer)
        return _("It is canceled.")
