"""The desk's own pages, and what was done at it; found here by Django's admin."""

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import Exists, OuterRef, QuerySet, Value
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.desk import said
from accounts.desk.base import ReadOnlyAdmin
from accounts.desk.lists import Stretch
from accounts.desk.pages import DeskPage, pages
from accounts.desk.scope import is_platform
from accounts.models import ShopStaff
from config.desk.books import books_view
from config.desk.finding import find_view
from config.desk.health import health_view
from config.desk.rights import rights_view
from config.desk.shown import shown_view
from config.desk.staff import staff_view

pages.extend(
    [
        DeskPage("today", _("Find"), "search", "find", "find/", find_view, None),
        DeskPage(
            "money",
            _("The books"),
            "fact_check",
            "books",
            "books/",
            books_view,
            "billing.view_bookscheck",
            platform_alone=True,
        ),
        DeskPage(
            "system",
            _("Health and settings"),
            "health_and_safety",
            "health",
            "health/",
            health_view,
            "accounts.view_shop",
            platform_alone=True,
        ),
        DeskPage(
            "",
            _("Rights at the desk"),
            "admin_panel_settings",
            "rights",
            "rights/<int:user_id>/",
            rights_view,
            None,
            platform_alone=True,
        ),
        DeskPage("system", _("Staff"), "badge", "staff", "staff/", staff_view, "accounts.change_shopstaff"),
        DeskPage("", _("Which shop"), "storefront", "shown", "shown/", shown_view, None, platform_alone=True),
    ]
)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """Beside the audit log of organizations: what operators did to upstreams, prices, and all else."""

    shop_path = "done_for__shop"
    time_field = "action_time"
    list_display = ("action_time", "who", "of_kind", "object_repr", "what")
    list_select_related = ("user",)
    list_filter = (Stretch,)
    fields = ("action_time", "who", "of_kind", "object_repr", "what")
    readonly_fields = ("who", "of_kind", "what")

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogEntry]:
        """With `by_staff`: whether the shop knows who that is."""
        here = ShopStaff.objects.filter(user=OuterRef("user"), shop=OuterRef("done_for__shop"))
        known = Value(True) if is_platform(request) else Exists(here)
        rows: QuerySet[LogEntry] = super().get_queryset(request).annotate(by_staff=known)
        return rows

    @admin.display(description=_("user"))
    def who(self, entry: LogEntry) -> str:
        is_known: bool = getattr(entry, "by_staff", False)
        return str(entry.user) if is_known else gettext("somebody of the platform, or who left")

    @admin.display(description=_("kind"))
    def of_kind(self, entry: LogEntry) -> str:
        model = said.model_of(entry)
        return "-" if model is None else str(model._meta.verbose_name)

    @admin.display(description=_("what"))
    def what(self, entry: LogEntry) -> str:
        return said.of_entry(entry)
