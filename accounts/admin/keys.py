"""API keys at the operator's desk: seen, frozen, thawed and revoked, never made or read."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.audit_words import VALUES
from accounts.desk.deeds import WithDeeds
from accounts.desk.lists import BY_ORGANIZATION, Stretch
from accounts.models import ApiKey
from accounts.newest_first import OF_ALL


@admin.register(ApiKey)
class ApiKeyAdmin(WithDeeds):
    shop_path = "organization__shop"
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
        "why_frozen",
        "expires_at",
        "last_used_at",
        "created_at",
    )
    readonly_fields = ("state", "why_frozen")

    @admin.display(description=_("state"))
    def state(self, key: ApiKey) -> str:
        if key.revoked_at is not None:
            return str(_("Revoked"))
        if key.frozen_at is not None:
            return str(_("Frozen"))
        return str(_("Replaced") if key.replaced_by_id is not None else _("In order"))

    @admin.display(description=_("why it was frozen"))
    def why_frozen(self, key: ApiKey) -> str:
        return str(VALUES["reason"].get(key.frozen_reason, key.frozen_reason)) or "-"
