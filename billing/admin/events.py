"""The inbox of Stripe's events."""

import json

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.clock import db_now
from accounts.desk.base import ReadOnlyAdmin
from accounts.desk.lists import Stretch
from billing.models import StripeAccount, StripeEvent
from billing.stripe_events import HANDLED


class TypeFilter(admin.SimpleListFilter):
    """Of the types that are handled: Django's own reads all rows to find those that there are."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(name, name) for name in HANDLED]

    def queryset(self, request: HttpRequest, queryset: QuerySet[StripeEvent]) -> QuerySet[StripeEvent]:
        wanted = self.value()
        return queryset if wanted is None else queryset.filter(type=wanted)


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    shop_path = "shop"
    list_display = ("event_id", "type", "payment", "received_at", "processed_at", "attempts", "error")
    list_select_related = ("payment",)
    time_field = "received_at"
    list_filter = (("processed_at", admin.EmptyFieldListFilter), TypeFilter, Stretch)
    few = frozenset({("processed_at__isempty", "1")})
    search_by = {"pay_": "payment__public_id"}
    search_help_text = _("The id of an event (evt_…) or of a payment (pay_…)")
    fields = (
        ("event_id", "type", "livemode"),
        ("payment", "created", "received_at"),
        ("processed_at", "attempts", "due_at"),
        "error",
        "content",
    )
    readonly_fields = ("content",)
    actions = ("replay",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[StripeEvent], search_term: str
    ) -> tuple[QuerySet[StripeEvent], bool]:
        """An event's id is found by that of its account beside."""
        term = search_term.strip()
        if not term or term.startswith("pay_"):
            return super().get_search_results(request, queryset, search_term)
        accounts = list(StripeAccount.objects.values_list("pk", flat=True))
        return queryset.filter(account__in=accounts, event_id=term), False

    @admin.display(description=_("content"))
    def content(self, event: StripeEvent) -> str:
        return format_html("<pre>{}</pre>", json.dumps(event.payload, indent=2, sort_keys=True))

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "change")

    @admin.action(description=_("Process again"), permissions=["steer"])
    def replay(self, request: HttpRequest, events: QuerySet[StripeEvent]) -> None:
        done = StripeEvent.objects.filter(pk__in=list(events.values_list("pk", flat=True))).update(
            processed_at=None, due_at=db_now(), attempts=0, refusals=0, error=""
        )
        words = ngettext("%(count)d event is processed again.", "%(count)d events are processed again.", done)
        self.message_user(request, words % {"count": done}, messages.SUCCESS)
