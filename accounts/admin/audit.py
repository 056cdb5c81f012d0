"""The audit log at the operator's desk: of all organizations, to be searched by who did something."""

from django.contrib import admin
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, Value
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import audit_words
from accounts.audit_log import NOBODY_IN_WORDS
from accounts.desk.base import ReadOnlyAdmin
from accounts.desk.lists import BY_ORGANIZATION, Stretch
from accounts.desk.scope import is_platform, scope_of
from accounts.models import NOBODY, AuditAction, AuditEvent, ShopStaff
from accounts.newest_first import OF_ALL

# Done to an account, which may belong to several shops, and noted in each of them with one reason.
DONE_TO_ACCOUNTS = (
    AuditAction.PERSON_SHUT_OUT,
    AuditAction.PERSON_LET_IN,
    AuditAction.SECOND_FACTOR_OFF,
)


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
