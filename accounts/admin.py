"""Operators' view of customers and of mail. What changes these two are actions, never forms."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import (
    key_admin,  # noqa: F401 - registers itself
    shop_admin,  # noqa: F401 - likewise
)
from accounts.audit_log import NOBODY_IN_WORDS
from accounts.desk import ReadOnlyAdmin, actor_of
from accounts.models import NOBODY, AuditEvent, OperatorAlert, Organization, QueuedMail
from accounts.organizations import resume, suspend
from accounts.origin import origin_of

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
        if organization.closed_at is not None:
            return str(_("Deleted"))
        if organization.closing_at is not None:
            return str(_("Being deleted"))
        if organization.suspended_at is None:
            return str(_("Good"))
        return str(SUSPENDED_BECAUSE.get(organization.suspended_reason, organization.suspended_reason))

    @admin.action(description=_("Resume: they may order again"), permissions=["steer"])
    def resume_them(self, request: HttpRequest, organizations: QuerySet[Organization]) -> None:
        actor, origin = actor_of(request), origin_of(request)
        done = sum(
            self._noted(request, one, resume(one, actor=actor, origin=origin), "Resumed.")
            for one in organizations
        )
        words = ngettext("%(count)d organization was resumed.", "%(count)d organizations were resumed.", done)
        self.message_user(request, words % {"count": done}, messages.SUCCESS)

    @admin.action(description=_("Suspend: they may look, but not order"), permissions=["steer"])
    def suspend_them(self, request: HttpRequest, organizations: QuerySet[Organization]) -> None:
        actor, origin = actor_of(request), origin_of(request)
        done = sum(
            self._noted(request, one, suspend(one, actor=actor, origin=origin), "Suspended.")
            for one in organizations
        )
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


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what: to be searched by the ids that rows hold, such as `user:<uuid>` or the slug of an organization."""

    list_display = ("created_at", "organization", "who", "action", "subject", "details", "address")
    list_filter = ("action",)
    list_select_related = ("organization", "origin")
    search_fields = ("actor", "subject", "organization__slug")
    fields = (
        "created_at",
        "organization",
        "who",
        "action",
        "subject",
        "details",
        "note",
        "address",
        "agent",
    )
    readonly_fields = ("who", "note", "address", "agent")
    ordering = ("-pk",)

    @admin.display(description=_("actor"), ordering="actor")
    def who(self, event: AuditEvent) -> str:
        return str(NOBODY_IN_WORDS) if event.actor == NOBODY else event.actor

    @admin.display(description=_("address"))
    def address(self, event: AuditEvent) -> str:
        return self._from(event, "address")

    @admin.display(description=_("browser"))
    def agent(self, event: AuditEvent) -> str:
        return self._from(event, "agent")

    @admin.display(description=_("note"))
    def note(self, event: AuditEvent) -> str:
        return self._from(event, "note")

    @staticmethod
    def _from(event: AuditEvent, name: str) -> str:
        origin = getattr(event, "origin", None)  # it may have been erased, or never been
        return getattr(origin, name, None) or ""
