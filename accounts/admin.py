"""Operators' view of customers, and of what was told by mail. What changes them are actions, never forms."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.desk import ReadOnlyAdmin
from accounts.models import OperatorAlert, Organization, QueuedMail
from accounts.organizations import resume, suspend

SUSPENDED_BECAUSE = {
    "": _("Suspended by an operator"),
    "refusals": _("Paused by itself: upstreams refused too many of its prompts"),
}


@admin.register(Organization)
class OrganizationAdmin(ReadOnlyAdmin):
    list_display = ("name", "slug", "standing", "created_at")
    list_filter = (("suspended_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "slug")
    ordering = ("-pk",)
    fields = ("name", "slug", "shop", "standing", "suspended_at", "resumed_at", "rate_per_minute", "burst")
    readonly_fields = ("standing",)
    actions = ("resume_them", "suspend_them")

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "change")

    @admin.display(description=_("standing"), ordering="suspended_at")
    def standing(self, organization: Organization) -> str:
        if organization.suspended_at is None:
            return str(_("Good"))
        return str(SUSPENDED_BECAUSE.get(organization.suspended_reason, organization.suspended_reason))

    @admin.action(description=_("Resume: they may order again"), permissions=["steer"])
    def resume_them(self, request: HttpRequest, organizations: QuerySet[Organization]) -> None:
        done = sum(self._noted(request, one, resume(one), "Resumed.") for one in organizations)
        words = ngettext("%(count)d organization was resumed.", "%(count)d organizations were resumed.", done)
        self.message_user(request, words % {"count": done}, messages.SUCCESS)

    @admin.action(description=_("Suspend: they may look, but not order"), permissions=["steer"])
    def suspend_them(self, request: HttpRequest, organizations: QuerySet[Organization]) -> None:
        done = sum(self._noted(request, one, suspend(one), "Suspended.") for one in organizations)
        words = ngettext(
            "%(count)d organization was suspended.", "%(count)d organizations were suspended.", done
        )
        self.message_user(request, words % {"count": done}, messages.SUCCESS)

    def _noted(self, request: HttpRequest, organization: Organization, changed: bool, what: str) -> bool:
        if changed:
            self.log_change(request, organization, what)
        return changed


@admin.register(OperatorAlert)
class OperatorAlertAdmin(ReadOnlyAdmin):
    list_display = ("subject", "kind", "created_at", "sent_at", "tries")
    ordering = ("-pk",)


@admin.register(QueuedMail)
class QueuedMailAdmin(ReadOnlyAdmin):
    """Whether mail goes out. What it says is between the shop and the person."""

    list_display = ("template", "to", "created_at", "due_at", "sent_at", "tries")
    list_filter = (("sent_at", admin.EmptyFieldListFilter),)
    fields = ("template", "shop", "to", "created_at", "due_at", "sent_at", "tries")
    ordering = ("-pk",)
