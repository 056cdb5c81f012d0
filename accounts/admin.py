"""Operators' view of customers and of mail. What changes these two are actions, never forms."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from accounts import (
    audit_words,
    customers,
    key_admin,  # noqa: F401 - registers itself
    organization_deeds,  # noqa: F401 - likewise
    people_admin,  # noqa: F401 - likewise
    shop_admin,  # noqa: F401 - likewise
)
from accounts.audit_log import NOBODY_IN_WORDS
from accounts.deeds import WithDeeds
from accounts.desk import ReadOnlyAdmin
from accounts.desk_lists import BY_ORGANIZATION, Stretch
from accounts.desk_scope import is_platform, scope_of
from accounts.models import (
    NOBODY,
    AuditAction,
    AuditEvent,
    OperatorAlert,
    Organization,
    QueuedMail,
    ShopStaff,
)
from accounts.newest_first import OF_ALL
from accounts.signing.adapter import ASKED_FOR

SUSPENDED_BECAUSE = {
    "": _("Suspended by an operator"),
    "refusals": _("Paused by itself: upstreams refused too many of its prompts"),
}


MOST_PEOPLE = 100
# Done to an account, which may belong to several shops, and noted in each of them with one reason.
DONE_TO_ACCOUNTS = (
    AuditAction.PERSON_SHUT_OUT,
    AuditAction.PERSON_LET_IN,
    AuditAction.SECOND_FACTOR_OFF,
)


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


@admin.register(OperatorAlert)
class OperatorAlertAdmin(ReadOnlyAdmin):
    shop_path = "shop"
    list_display = ("subject", "kind", "created_at", "sent_at", "tries")
    list_filter = ("kind", Stretch)


@admin.register(QueuedMail)
class QueuedMailAdmin(ReadOnlyAdmin):
    """Whether mail goes out. What it says is between the shop and the person. Which of those came that anybody can have
    sent, a link or the news that there is no account, is not for a shop's staff: the account may be there because of
    another shop.
    """

    shop_path = "shop"
    list_display = ("template", "to", "created_at", "due_at", "sent_at", "tries")
    list_filter = (("sent_at", admin.EmptyFieldListFilter), Stretch)
    few = frozenset({("sent_at__isempty", "1")})
    fields = ("template", "shop", "to", "created_at", "due_at", "sent_at", "tries")
    readonly_fields = ("kind",)

    def get_list_display(self, request: HttpRequest) -> Any:
        return self._told(request, super().get_list_display(request))

    def get_fields(self, request: HttpRequest, obj: QueuedMail | None = None) -> Any:
        return self._told(request, self.fields)

    @staticmethod
    def _told(request: HttpRequest, names: Sequence[str]) -> Sequence[str]:
        return names if is_platform(request) else ["kind" if name == "template" else name for name in names]

    @admin.display(description=_("template"))
    def kind(self, mail: QueuedMail) -> str:
        return "account" if mail.template in ASKED_FOR.values() else mail.template


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what: to be searched by the ids that rows hold, such as `user:<uuid>` or the slug of an organization."""

    shop_path = "shop"
    list_display = ("created_at", "organization", "who", "action", "subject", "told", "address")
    list_filter = ("action", Stretch)
    list_select_related = ("organization", "origin")
    search_by = {"": "actor"}
    search_help_text = _(
        "Who did it: user:…, key:… or staff:… with its id, system; or an organization's short name"
    )
    narrow = {BY_ORGANIZATION: OF_ALL}
    fields = (
        "created_at",
        "organization",
        "who",
        "action",
        "subject",
        "told",
        "note",
        "address",
        "agent",
    )
    readonly_fields = ("who", "told", "note", "address", "agent")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        """With `tells_from` and `tells_why`: whether this desk reads where it was done from, and the note. Where the
        platform's people are is not a shop's to know, nor why something was done to an account, whoever did it.
        """
        rows: QuerySet[AuditEvent] = super().get_queryset(request)
        if is_platform(request):
            return rows.annotate(tells_from=Value(True), tells_why=Value(True))
        colleagues = ShopStaff.objects.filter(shop=scope_of(request)).values_list("user__uuid", flat=True)
        known = ~Q(actor__startswith="staff:") | Q(actor__in=[f"staff:{one}" for one in colleagues])
        is_of_here = ~Q(action__in=DONE_TO_ACCOUNTS)
        return rows.annotate(
            tells_from=ExpressionWrapper(known, BooleanField()),
            tells_why=ExpressionWrapper(is_of_here, BooleanField()),
        )

    @admin.display(description=_("actor"), ordering="actor")
    def who(self, event: AuditEvent) -> str:
        return str(NOBODY_IN_WORDS) if event.actor == NOBODY else event.actor

    @admin.display(description=_("details"))
    def told(self, event: AuditEvent) -> str:
        return audit_words.told(event.action, event.details)

    @admin.display(description=_("address"))
    def address(self, event: AuditEvent) -> str:
        return self._told(event, "address", "tells_from")

    @admin.display(description=_("browser"))
    def agent(self, event: AuditEvent) -> str:
        return self._told(event, "agent", "tells_from")

    @admin.display(description=_("note"))
    def note(self, event: AuditEvent) -> str:
        return self._told(event, "note", "tells_why")

    @staticmethod
    def _told(event: AuditEvent, name: str, if_it: str) -> str:
        if not getattr(event, if_it, False):
            return ""
        origin = getattr(event, "origin", None)  # it may have been erased, or never been
        return getattr(origin, name, None) or ""
