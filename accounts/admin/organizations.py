"""Operators' view of customers. What changes them are deeds, never forms."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from accounts import customers
from accounts.desk.deeds import WithDeeds
from accounts.desk.lists import Stretch
from accounts.models import (
    Organization,
)

SUSPENDED_BECAUSE = {
    "": _("Suspended by an operator"),
    "refusals": _("Paused by itself: upstreams refused too many of its prompts"),
}


MOST_PEOPLE = 100


def _column(fact: customers.Fact) -> Callable[[Organization], str]:
    def shown(organization: Organization) -> str:
        told: dict[str, str] | None = getattr(organization, "facts", None)
        return told[fact.name] if told else fact.of([organization.pk]).get(organization.pk, "-")

    shown.__name__ = fact.name
    return admin.display(description=fact.title)(shown)


@admin.register(Organization)
class OrganizationAdmin(WithDeeds):
    shop_path = "shop"
    list_display = ("name", "slug", "standing", "created_at")
    list_filter = (("suspended_at", admin.EmptyFieldListFilter), Stretch)
    search_help_text = _("A short name, or how a name or short name begins")
    fields = (
        ("name", "slug"),
        "standing",
        ("suspended_at", "resumed_at"),
        ("rate_per_minute", "burst"),
        ("created_at", "closing_at"),
        "closed_at",
        "people",
    )
    readonly_fields = ("standing", "people")
    change_form_before_template = "accounts/admin/organization_links.html"

    def get_list_display(self, request: HttpRequest) -> Any:
        name, slug, standing, created_at = self.list_display
        of_shop = ("of_shop",) if self.names_shops(request) else ()
        return (name, slug, *map(_column, customers.facts), standing, created_at, *of_shop)

    def get_fields(self, request: HttpRequest, obj: Organization | None = None) -> Any:
        return (self.fields[0], tuple(map(_column, customers.facts)), *self.fields[1:])

    def get_readonly_fields(self, request: HttpRequest, obj: Organization | None = None) -> Any:
        return (*self.readonly_fields, *map(_column, customers.facts))

    def prepare(self, rows: Sequence[Organization]) -> None:
        """A query for each fact, whatever the number of organizations."""
        ids = [organization.pk for organization in rows]
        known = {fact.name: fact.of(ids) for fact in customers.facts}
        for organization in rows:
            told = {name: words.get(organization.pk, "-") for name, words in known.items()}
            organization.facts = told  # type: ignore[attr-defined]  # of this page alone

    def get_search_fields(self, request: HttpRequest) -> Any:
        return ("slug",)

    def is_search_by_index(self, term: str) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Organization], search_term: str
    ) -> tuple[QuerySet[Organization], bool]:
        term = search_term.strip()
        begins = Q(name__istartswith=term) | Q(slug__startswith=term.lower())
        return (queryset.filter(begins) if term else queryset), False

    def beside(self, request: HttpRequest, row: Organization | None) -> dict[str, Any]:
        links = {} if row is None else {"links": customers.links(request, row)}
        return super().beside(request, row) | links

    @admin.display(description=_("people"))
    def people(self, organization: Organization) -> str:
        members = organization.memberships.select_related("user").order_by("pk")[:MOST_PEOPLE]
        lines = [
            (
                reverse("admin:accounts_user_change", args=[one.user_id]),
                one.user.email,
                one.get_role_display(),
            )
            for one in members
        ]
        return format_html_join("", '<div><a class="underline" href="{}">{}</a> · {}</div>', lines) or "-"

    @admin.display(description=_("standing"), ordering="suspended_at")
    def standing(self, organization: Organization) -> str:
        if organization.closed_at is not None:
            return str(_("Deleted"))
        if organization.closing_at is not None:
            return str(_("Being deleted"))
        if organization.suspended_at is None:
            return str(_("Good"))
        return str(SUSPENDED_BECAUSE.get(organization.suspended_reason, organization.suspended_reason))
