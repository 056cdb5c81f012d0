"""The operator's desk of webhooks: to look at, and nothing else. What is told and answered is the customer's own."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.desk.base import ReadOnlyAdmin
from accounts.desk.lists import BY_ORGANIZATION, Stretch
from accounts.newest_first import BY_TENANT, OF_ALL
from webhooks.models import WebhookDelivery, WebhookEndpoint


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    shop_path = "organization__shop"
    list_display = (
        "public_id",
        "organization",
        "url",
        "livemode",
        "enabled",
        "disabled_reason",
        "failing_since",
    )
    list_select_related = ("organization",)
    list_filter = ("enabled", "livemode", Stretch)
    narrow = {BY_ORGANIZATION: OF_ALL}
    search_by = {"": "public_id"}
    search_help_text = _("The id of an endpoint (we_…) or an organization's short name")
    fields = (
        ("public_id", "organization"),
        ("url", "livemode"),
        "events",
        ("enabled", "disabled_reason", "failing_since"),
        ("created_at", "deleted_at"),
    )


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    shop_path = "organization__shop"
    list_display = (
        "public_id",
        "organization",
        "event_type",
        "status",
        "claim",
        "response_status",
        "created_at",
    )
    list_select_related = ("organization", "event")
    list_filter = ("status", Stretch)
    narrow = {BY_ORGANIZATION: BY_TENANT}
    search_by = {"": "public_id"}
    search_help_text = _("The id of a delivery (msg_…) or an organization's short name")
    fields = (
        ("public_id", "organization", "livemode"),
        ("event_type", "endpoint", "url"),
        ("status", "claim", "step"),
        ("next_attempt_at", "lease_until", "response_status"),
        ("created_at", "finished_at"),
    )

    @admin.display(description=_("event"))
    def event_type(self, delivery: WebhookDelivery) -> str:
        return delivery.event.type

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        return super().get_queryset(request).select_related("event")
