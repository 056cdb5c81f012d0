"""People at the operator's desk: who they are, where they belong, and how they sign in. To be looked at."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from accounts import figures
from accounts.desk import right_words
from accounts.desk.base import ReadOnlyAdmin
from accounts.desk.deeds import WithDeeds
from accounts.desk.lists import BY_ORGANIZATION, Stretch
from accounts.desk.scope import is_platform, scope_of
from accounts.models import Invitation, Membership, User
from accounts.newest_first import OF_ALL
from accounts.signing import second_factor, sessions

MOST_SHOWN = 50


@admin.register(User)
class UserAdmin(WithDeeds):
    shop_path = "memberships__organization__shop"
    is_noted_for_shops = False  # what is done to an account concerns every shop
    time_field = "date_joined"
    list_display = ("email", "name", "standing", "is_staff", "last_login", "date_joined")
    list_filter = ("is_staff", "is_active", Stretch)
    search_help_text = gettext_lazy("An e-mail address, or how one begins")
    fields = (
        ("email", "name"),
        ("standing", "is_staff"),
        ("uuid", "email_confirmed_at"),
        ("date_joined", "last_login"),
        ("second_factor", "sessions"),
        "organizations",
        "audit",
        "rights",
    )
    # What is not a shop's to know: an account may belong to organizations of several.
    for_shops = (
        ("email", "name"),
        "standing",
        ("uuid", "email_confirmed_at"),
        "second_factor",
        "organizations",
        "audit",
    )
    readonly_fields = ("standing", "second_factor", "sessions", "organizations", "audit", "rights")

    def get_list_display(self, request: HttpRequest) -> Any:
        return self.list_display if is_platform(request) else ("email", "name", "standing")

    def get_list_filter(self, request: HttpRequest) -> Any:
        return self.list_filter if is_platform(request) else ("is_active",)

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        return self.fields if is_platform(request) else self.for_shops

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> User | None:
        found: User | None = super().get_object(request, object_id, from_field)
        if found is not None:
            found.seen_by = scope_of(request)  # type: ignore[attr-defined]  # of this page alone
        return found

    def rows_of(self, rows: QuerySet[User], shop_id: int) -> QuerySet[User]:
        """Each once, in however many of its organizations they are."""
        members = Membership.objects.filter(user=OuterRef("pk"), organization__shop=shop_id)
        return rows.filter(Exists(members))

    def get_search_fields(self, request: HttpRequest) -> Any:
        return ("email",)

    def is_search_by_index(self, term: str) -> bool:
        return "@" in term

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        term = User.objects.clean_email(search_term)
        if not term:
            return queryset, False
        begins = Q(email__startswith=term) | Q(name__istartswith=term)
        return queryset.filter(Q(email=term) if "@" in term else begins), False

    @admin.display(description=gettext_lazy("standing"))
    def standing(self, user: User) -> str:
        if user.erased_at is not None:
            return _("Erased")
        if not user.is_active:
            return _("Shut out")
        if user.email_confirmed_at is None:
            return _("Address not confirmed")
        return _("Good")

    @admin.display(description=gettext_lazy("second factor"))
    def second_factor(self, user: User) -> str:
        return _("set up") if second_factor.has_one(user) else _("none")

    @admin.display(description=gettext_lazy("signed in"))
    def sessions(self, user: User) -> str:
        return _("in %(count)d browsers") % {"count": sessions.count(user)}

    @admin.display(description=gettext_lazy("organizations"))
    def organizations(self, user: User) -> str:
        rows = Membership.objects.filter(user=user).select_related("organization").order_by("pk")
        shop_id: int | None = getattr(user, "seen_by", 0)
        if shop_id is not None:
            rows = rows.filter(organization__shop=shop_id)
        lines = [
            (
                reverse("admin:accounts_organization_change", args=[one.organization_id]),
                one.organization.name,
                one.get_role_display(),
            )
            for one in rows[:MOST_SHOWN]
        ]
        return format_html_join("", '<div><a class="underline" href="{}">{}</a> · {}</div>', lines) or "-"

    @admin.display(description=gettext_lazy("what they did"))
    def audit(self, user: User) -> str:
        path = reverse("admin:accounts_auditevent_changelist")
        return format_html('<a class="underline" href="{}?q={}">{}</a>', path, user.actor, _("Audit log"))

    @admin.display(description=gettext_lazy("rights at the desk"))
    def rights(self, user: User) -> str:
        held = user.user_permissions.order_by("codename").values_list("codename", flat=True)
        words = _("all") if user.is_superuser else figures.listed(map(right_words.of, held)) or _("none")
        path = reverse("admin:rights", args=[user.pk])
        return format_html(
            '{} · <a class="underline" href="{}">{}</a>', words, path, _("Give or take rights")
        )


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    shop_path = "organization__shop"
    list_display = ("user", "organization", "role", "created_at")
    list_select_related = ("user", "organization")
    list_filter = ("role", Stretch)
    narrow = {BY_ORGANIZATION: OF_ALL}
    search_by = {"": "user__email"}
    search_help_text = gettext_lazy("A person's e-mail address, or an organization's short name")
    fields = ("user", "organization", "role", "created_at")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    shop_path = "organization__shop"
    list_display = ("email", "organization", "role", "state", "sent_at", "expires_at")
    list_select_related = ("organization",)
    list_filter = (
        ("accepted_at", admin.EmptyFieldListFilter),
        ("revoked_at", admin.EmptyFieldListFilter),
        Stretch,
    )
    narrow = {BY_ORGANIZATION: OF_ALL}
    search_by = {"": "public_id"}
    search_help_text = gettext_lazy("The id of an invitation (inv_…), or an organization's short name")
    fields = (
        ("public_id", "organization"),
        ("email", "role"),
        "state",
        ("invited_by", "times_sent"),
        ("created_at", "sent_at"),
        "expires_at",
        ("accepted_at", "accepted_by"),
        "revoked_at",
    )
    readonly_fields = ("state",)

    @admin.display(description=gettext_lazy("state"))
    def state(self, invitation: Invitation) -> str:
        if invitation.accepted_at is not None:
            return _("Accepted")
        return _("Taken back") if invitation.revoked_at is not None else pgettext("an invitation", "Open")
