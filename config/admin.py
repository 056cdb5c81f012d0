"""The desk's own pages, and what was done at it; found here by Django's admin."""

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.utils.translation import gettext_lazy as _

from accounts.desk import ReadOnlyAdmin
from accounts.desk_lists import Stretch
from accounts.desk_pages import DeskPage, pages
from config.desk.books import books_view
from config.desk.finding import find_view
from config.desk.health import health_view
from config.desk.rights import rights_view

pages.extend(
    [
        DeskPage("today", _("Find"), "search", "find", "find/", find_view, None),
        DeskPage(
            "money", _("The books"), "fact_check", "books", "books/", books_view, "billing.view_bookscheck"
        ),
        DeskPage(
            "system",
            _("Health and settings"),
            "health_and_safety",
            "health",
            "health/",
            health_view,
            "accounts.view_shop",
        ),
        DeskPage(
            "",
            _("Rights at the desk"),
            "admin_panel_settings",
            "rights",
            "rights/<int:user_id>/",
            rights_view,
            None,
        ),
    ]
)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """Beside the audit log of organizations: what operators did to upstreams, prices, and all else."""

    time_field = "action_time"
    list_display = ("action_time", "user", "content_type", "object_repr", "what")
    list_select_related = ("user", "content_type")
    list_filter = (Stretch,)
    fields = ("action_time", "user", "content_type", "object_repr", "what")
    readonly_fields = ("what",)

    @admin.display(description=_("what"))
    def what(self, entry: LogEntry) -> str:
        return entry.get_change_message()
