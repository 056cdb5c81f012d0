"""What happened, to be read: attempts and alerts."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from generations.admin import money
from generations.models import Attempt, OperatorAlert

MOST_PAGES_OF_ROWS = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # Django's own has no parameter when it runs
    """Counts no further than anybody turns pages: a whole count reads every row there ever was."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:MOST_PAGES_OF_ROWS].count())


class ReadOnly(ModelAdmin):  # type: ignore[misc]  # the library has no types
    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Attempt)
class AttemptAdmin(ReadOnly):
    list_display = (
        "task",
        "number",
        "upstream",
        "outcome",
        "cost",
        "submitted_at",
        "seconds",
        "what_it_said",
    )
    list_filter = ("upstream", "outcome")
    list_select_related = ("generation", "upstream")
    ordering = ("-pk",)
    fields = (
        "task",
        "number",
        "provider",
        "upstream",
        "upstream_task_id",
        "outcome",
        "detail",
        "cost",
        "submitted_at",
        "accepted_at",
        "finished_at",
        "polls",
        "sends",
    )
    readonly_fields = ("task", "cost")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        attempts: QuerySet[Attempt] = super().get_queryset(request)
        return attempts.filter(upstream__isnull=False)

    @admin.display(description=_("Task"))
    def task(self, attempt: Attempt) -> str:
        return attempt.generation.task_id

    @admin.display(description=_("Cost"), ordering="cost_micros")
    def cost(self, attempt: Attempt) -> str:
        return money.shown(attempt.cost_micros)

    @admin.display(description=_("Seconds"))
    def seconds(self, attempt: Attempt) -> str:
        if attempt.finished_at is None:
            return ""
        return f"{(attempt.finished_at - attempt.submitted_at).total_seconds():.1f}"

    @admin.display(description=_("What it said"))
    def what_it_said(self, attempt: Attempt) -> str:
        return attempt.detail[:80]


@admin.register(OperatorAlert)
class OperatorAlertAdmin(ReadOnly):
    list_display = ("subject", "kind", "created_at", "sent_at", "tries")
    list_filter = ("kind",)
    ordering = ("-pk",)
    fields = ("kind", "subject", "body", "created_at", "sent_at", "tries")
