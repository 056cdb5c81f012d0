"""The desk's own pages, and what was done at it; found here by Django's admin."""

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import Exists, OuterRef, QuerySet, Value
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from accounts.desk.base import ReadOnlyAdmin
from accounts.desk.deeds import deeds_of
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

# What the log keeps in English, and the desk says in the reader's language.
SAID = frozenset(
    {
        gettext_noop("Closed its circuit."),
        gettext_noop("Connected."),
        gettext_noop("Disabled."),
        gettext_noop("Enabled."),
        gettext_noop("Shown on the landing page."),
        gettext_noop("Taken down."),
        gettext_noop("Tried it."),
    }
)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """Beside the audit log of organizations: what operators did to upstreams, prices, and all else."""

    shop_path = "done_for__shop"
    time_field = "action_time"
    list_display = ("action_time", "who", "content_type", "object_repr", "what")
    list_select_related = ("user", "content_type")
    list_filter = (Stretch,)
    fields = ("action_time", "who", "content_type", "object_repr", "what")
    readonly_fields = ("who", "what")

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

    @admin.display(description=_("what"))
    def what(self, entry: LogEntry) -> str:
        """A deed by its title; what holds more than a known sentence stays as it was written."""
        said, kind = entry.get_change_message(), entry.content_type
        model = kind.model_class() if kind is not None else None
        for deed in deeds_of(model) if model is not None else []:
            if deed.name == said:
                return str(deed.title)
        return gettext(said) if said in SAID else said
