"""API keys at the operator's desk: seen, revoked, and thawed when what froze them was a mistake."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.api_keys import revoke_api_key, thaw_api_key
from accounts.audit import record
from accounts.desk import ReadOnlyAdmin, actor_of
from accounts.desk_lists import BY_ORGANIZATION, Stretch
from accounts.models import ApiKey, AuditAction
from accounts.newest_first import OF_ALL
from accounts.origin import origin_of


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("prefix", "organization", "livemode", "state", "last_used_at", "created_at")
    list_filter = (
        ("frozen_at", admin.EmptyFieldListFilter),
        ("revoked_at", admin.EmptyFieldListFilter),
        "livemode",
        Stretch,
    )
    list_select_related = ("organization",)
    search_by = {"key_": "public_id", "": "prefix"}
    search_help_text = _("The first 12 characters of a key, its id (key_…), or an organization's short name")
    narrow = {BY_ORGANIZATION: OF_ALL}
    fields = (
        "public_id",
        "prefix",
        "organization",
        "livemode",
        "scopes",
        "state",
        "frozen_reason",
        "expires_at",
        "last_used_at",
        "created_at",
    )
    readonly_fields = ("state",)
    actions = ("thaw_them", "revoke_them")

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "change")

    @admin.display(description=_("state"))
    def state(self, key: ApiKey) -> str:
        if key.revoked_at is not None:
            return str(_("Revoked"))
        if key.frozen_at is not None:
            return str(_("Frozen"))
        return str(_("Replaced") if key.replaced_by_id is not None else _("In order"))

    @admin.action(description=_("Thaw: it was not leaked after all, and works again"), permissions=["steer"])
    def thaw_them(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        done = self._each(request, keys, thaw_api_key, AuditAction.KEY_CHANGED, frozen=False)
        words = ngettext("%(count)d key works again.", "%(count)d keys work again.", done)
        self.message_user(request, words % {"count": done}, messages.SUCCESS)

    @admin.action(description=_("Revoke: it stops for good"), permissions=["steer"])
    def revoke_them(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        done = self._each(request, keys, revoke_api_key, AuditAction.KEY_REVOKED)
        words = ngettext("%(count)d key was revoked.", "%(count)d keys were revoked.", done)
        self.message_user(request, words % {"count": done}, messages.SUCCESS)

    def _each(
        self,
        request: HttpRequest,
        keys: QuerySet[ApiKey],
        act: Callable[[ApiKey], bool],
        action: AuditAction,
        **details: Any,
    ) -> int:
        done = 0
        for key in keys.select_related("organization"):
            with transaction.atomic():
                if not act(key):
                    continue
                record(
                    key.organization,
                    action,
                    actor=actor_of(request),
                    origin=origin_of(request),
                    subject=key.actor,
                    **details,
                )
                self.log_change(request, key, str(action.label))
            done += 1
        return done
