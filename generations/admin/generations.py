"""Orders at the operator's desk: found, and told in full."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Abs
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import customers, figures
from accounts.desk.deeds import WithDeeds
from accounts.desk.lists import BY_ORGANIZATION, Stretch
from accounts.models import Organization
from accounts.newest_first import BY_TENANT
from generations.admin.story import story_of
from generations.models import Generation, Image, Status

BY_MODE = "livemode__exact"
OPEN = "open"


def last_orders(organization_ids: Sequence[int]) -> Mapping[int, str]:
    """When each ordered last, by live key or page."""
    newest = Generation.objects.filter(organization=OuterRef("pk"), livemode=True).order_by(Abs("id").desc())
    found = Organization.objects.filter(pk__in=organization_ids)
    times = found.annotate(last=Subquery(newest.values("created_at")[:1])).values_list("pk", "last")
    return {pk: f"{last:%Y-%m-%d %H:%M}" for pk, last in times if last is not None}


def orders_path(organization: Organization) -> str:
    path = reverse("admin:generations_generation_changelist")
    return f"{path}?{BY_ORGANIZATION}={organization.pk}&{BY_MODE}=1"


customers.facts.append(customers.Fact("last_order", gettext_lazy("last order"), last_orders))
customers.rows.append(customers.Rows(gettext_lazy("Generations"), "generations.view_generation", orders_path))


class StatusFilter(admin.SimpleListFilter):
    title = gettext_lazy("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(OPEN, _("Open")), *Status.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Generation]) -> QuerySet[Generation]:
        wanted = self.value()
        if wanted == OPEN:
            return queryset.filter(finished_at=None)
        return queryset.filter(status=wanted) if wanted else queryset


@admin.register(Generation)
class GenerationAdmin(WithDeeds):
    shop_path = "organization__shop"
    list_display = (
        "task_id",
        "organization",
        "status",
        "error_type",
        "model",
        "livemode",
        "created_at",
        "took",
    )
    list_select_related = ("organization", "model")
    list_filter = (StatusFilter, "livemode", Stretch)
    narrow = {BY_ORGANIZATION: BY_TENANT}
    narrow_with = (BY_MODE,)
    few = frozenset({("status", OPEN)})
    search_by = {"task_": "task_id", "": "request_id"}
    search_help_text = gettext_lazy("The id of a task or of its request, or an organization's short name")
    change_form_before_template = "generations/admin/story.html"
    fields = (
        ("task_id", "request_id"),
        ("organization", "by"),
        ("model", "n"),
        ("livemode", "price_credits"),
        "prompt",
        ("size", "requested_seed"),
        ("seed", "output_format"),
        ("status", "error_type"),
        "progress",
        ("created_at", "started_at"),
        "finished_at",
        ("deadline_at", "dispatch_after"),
        "lease_until",
        ("claim", "submitted"),
        "rings",
        ("idempotency_key", "webhook_url"),
        "metadata_text",
        "retry_of",
        "pictures",
    )
    readonly_fields = ("by", "size", "pictures")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Generation], search_term: str
    ) -> tuple[QuerySet[Generation], bool]:
        term = search_term.strip()
        if not term or term.startswith("task_"):
            return super().get_search_results(request, queryset, search_term)
        # SQLite takes the index of requests only where it reads that there is one.
        return queryset.filter(request_id=term).exclude(request_id=""), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The orders of one organization have an index for each mode."""
        if BY_ORGANIZATION in request.GET and BY_MODE not in request.GET:
            query = request.GET.copy()
            query[BY_MODE] = "1"
            return HttpResponseRedirect(f"?{query.urlencode()}")
        return super().changelist_view(request, extra_context)

    def beside(self, request: HttpRequest, row: Generation | None) -> dict[str, Any]:
        context = super().beside(request, row)
        if row is not None and self.has_view_permission(request, row):
            context["story"] = story_of(row)
        return context

    def get_queryset(self, request: HttpRequest) -> QuerySet[Generation]:
        return super().get_queryset(request).select_related("organization__shop", "model")

    @admin.display(description=gettext_lazy("took"))
    def took(self, generation: Generation) -> str:
        if generation.finished_at is None:
            return "-"
        return figures.seconds((generation.finished_at - generation.created_at).total_seconds())

    @admin.display(description=gettext_lazy("ordered by"))
    def by(self, generation: Generation) -> str:
        if generation.key is not None:
            path = reverse("admin:accounts_apikey_change", args=[generation.key_id])
            return format_html('<a class="underline" href="{}">{}…</a>', path, generation.key.prefix)
        if generation.user is not None:
            path = reverse("admin:accounts_user_change", args=[generation.user_id])
            return format_html('<a class="underline" href="{}">{}</a>', path, generation.user.email)
        return "-"

    @admin.display(description=gettext_lazy("size"))
    def size(self, generation: Generation) -> str:
        ratio = f" ({generation.aspect_ratio})" if generation.aspect_ratio else ""
        return f"{generation.width} × {generation.height}{ratio}"

    @admin.display(description=gettext_lazy("images"))
    def pictures(self, generation: Generation) -> str:
        found = Image.objects.filter(generation=generation).order_by("index")
        lines = [
            (reverse("admin:generations_image_change", args=[image.pk]), image.public_id) for image in found
        ]
        return format_html_join("", '<div><a class="underline" href="{}">{}</a></div>', lines) or "-"
