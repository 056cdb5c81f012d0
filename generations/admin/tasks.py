"""Tasks, to be found by their ids; what is done to them is in task_deeds.py."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts.deeds import WithDeeds
from generations.models import Generation


@admin.register(Generation)
class GenerationAdmin(WithDeeds):
    list_display = ("task_id", "organization", "status", "error_type", "price_credits", "created_at")
    list_select_related = ("organization",)
    search_fields = ("task_id__exact",)
    search_help_text = gettext_lazy("The id of a task")
    ordering = ("-pk",)
    list_per_page = 50
    fields = (
        ("task_id", "organization", "livemode"),
        ("status", "error_type"),
        ("model", "n", "price_credits"),
        "prompt",
        ("created_at", "started_at", "finished_at"),
        "retry_of",
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Generation], search_term: str
    ) -> tuple[QuerySet[Generation], bool]:
        term = search_term.strip()
        return (queryset.filter(task_id=term) if term else queryset), False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("organization", "model", "user", "retry_of")
