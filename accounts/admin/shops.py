"""The shops at the operator's desk: each with its page, on which its own operators change what it is called, how it
looks and whom it lets in, and the platform's staff where it is.
"""

import base64
import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from accounts import accent, hooks, logos, shop_opening, shops
from accounts.admin.shop_forms import LIMITS, DomainForm, DomainFormSet, NewShopForm, ShopForm
from accounts.desk.base import actor_of
from accounts.desk.deeds import WithDeeds
from accounts.desk.scope import is_platform
from accounts.hosts import clean_host, shown_host
from accounts.models import Shop, ShopDomain
from accounts.origin import origin_of

if TYPE_CHECKING:
    DeskInline = admin.TabularInline[ShopDomain, Shop]
else:
    from unfold.admin import TabularInline as DeskInline

OF_FORMS = ("new_logo", "no_logo")  # no columns


class DomainInline(DeskInline):
    """Which names lead where is a matter of the installation: certificates, and which shop a request is for."""

    model = ShopDomain
    form = DomainForm
    formset = DomainFormSet
    fields = ("host", "is_primary", "active")
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # whoever sees the shop

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_move(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_move(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may_move(request)


def _may_move(request: HttpRequest) -> bool:
    user: Any = request.user
    return is_platform(request) and bool(user.has_perm("accounts.change_shop"))


@admin.register(Shop)
class ShopAdmin(WithDeeds):
    shop_path = "pk"
    form = ShopForm
    list_display = ("name", "address", "standing", "currency", "opened")
    search_help_text = _("How a name or short name begins, or a host name")
    fieldsets = (
        (None, {"fields": ("standing", "name", "promise", "landing_text", ("currency", "languages"))}),
        (
            _("How it looks"),
            {
                "fields": (
                    ("accent", "accent_shown"),
                    "logo_now",
                    "new_logo",  # too wide for half a row
                    ("logo_has_name", "no_logo"),
                )
            },
        ),
        (
            _("What members accept"),
            {"fields": (("terms_version", "terms_url"), ("privacy_version", "privacy_url"))},
        ),
        (_("At the foot of every page"), {"fields": ("imprint_url", "support_email")}),
        (_("Mail"), {"fields": ("sender_email",)}),
        (
            _("Whom it lets in"),
            {"fields": (("sign_up", "sign_up_domains"), "welcome_credits", LIMITS)},
        ),
    )
    new_fieldsets = ((None, {"fields": ("name", "domain", "currency", "operator")}),)

    def get_search_fields(self, request: HttpRequest) -> Any:
        return ("slug",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Shop], search_term: str
    ) -> tuple[QuerySet[Shop], bool]:
        term = search_term.strip()
        at_host = ShopDomain.objects.filter(host=clean_host(term)).values("shop")
        begins = Q(name__istartswith=term) | Q(slug__startswith=term.lower()) | Q(pk__in=at_host)
        return (queryset.filter(begins) if term else queryset), False

    # --- Who may ----------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_platform(request) and self.may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Shop | None = None) -> bool:
        return (obj is None or obj.closed_at is None) and self.may(request, "change")

    # --- Its page ---------------------------------------------------------------------------------

    def beside(self, request: HttpRequest, row: Shop | None) -> dict[str, Any]:
        """A shop is of none, and added to none."""
        return super().beside(request, row) | {"added_to": None, "row_of": None}

    def get_form(
        self, request: HttpRequest, obj: Shop | None = None, change: bool = False, **options: Any
    ) -> Any:
        if obj is None:
            options["form"] = NewShopForm
        form: Any = super().get_form(request, obj, change, **options)
        form.by_platform = is_platform(request)  # the class was made for this request
        return form

    def get_inlines(self, request: HttpRequest, obj: Shop | None) -> Any:
        return () if obj is None else (DomainInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Shop | None = None) -> Any:
        if obj is None:
            return ()
        if request.method == "POST":
            # A purchase that comes now waits for this row, and then finds no pack in the currency that was.
            list(Shop.objects.select_for_update().filter(pk=obj.pk))
        fixed = (*(("currency",) if _has_money(obj) else ()), *(() if is_platform(request) else LIMITS))
        return ("standing", "accent_shown", "logo_now", *fixed)

    def get_fieldsets(self, request: HttpRequest, obj: Shop | None = None) -> Any:
        """Without what only a form has, for somebody who may only look."""
        if obj is None:
            return self.new_fieldsets
        found = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj):
            return found
        rows = [
            (
                title,
                [
                    tuple(name for name in _names(row) if name not in OF_FORMS)
                    for row in options["fields"]
                    if row not in OF_FORMS
                ],
            )
            for title, options in found
        ]
        return [(title, {"fields": fields}) for title, fields in rows]

    @admin.display(description=_("address"))
    def address(self, shop: Shop) -> str:
        return shown_host(shops.host_of(shop.pk)) if shop.closed_at is None else "-"

    @admin.display(description=_("standing"))
    def standing(self, shop: Shop) -> str:
        if shop.closed_at is not None:
            return gettext("Closed")
        if shop.closing_at is not None:
            return gettext("Being closed")
        return pgettext("a shop", "Open") if shop.suspended_at is None else gettext("Suspended")

    @admin.display(description=_("opened"))
    def opened(self, shop: Shop) -> datetime.datetime:
        return shop.created_at

    @admin.display(description=_("colours on pages"))
    def accent_shown(self, shop: Shop) -> str:
        """As text: this desk shows colours of its own."""
        light, dark = accent.on_light(shop.accent), accent.on_dark(shop.accent)
        return gettext("%(light)s on light paper, %(dark)s on dark") % {"light": light, "dark": dark}

    @admin.display(description=_("logo"))
    def logo_now(self, shop: Shop) -> str:
        if not shop.logo:
            return gettext("the plate")
        # In the page itself: at another host than its own it is not to be had.
        png = base64.b64encode(logos.picture_of(shop, shop.logo) or b"").decode()
        return format_html(
            '<img src="data:image/png;base64,{}" alt="{}" width="{}" height="32">',
            png,
            shop.name,
            shop.logo.rpartition("-")[2],
        )

    # --- Saving -----------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Shop, form: Any, change: bool) -> None:
        if not change:
            typed = form.cleaned_data
            shop_opening.open_shop(
                obj,
                typed["domain"],
                operator=typed["operator"],
                actor=actor_of(request),
                origin=origin_of(request),
            )
            return
        obj.save(update_fields=[name for name in form.changed_data if name not in OF_FORMS])
        transaction.on_commit(shops.forget)
        if form.cleaned_data["new_logo"]:
            logos.put(obj, form.cleaned_data["new_logo"])
        elif form.cleaned_data["no_logo"]:
            logos.remove(obj)
        light = accent.on_light(obj.accent)
        if "accent" in form.changed_data and light != obj.accent.lower():
            words = gettext(
                "%(accent)s is hard to read on light paper, so pages show %(light)s in its place."
            )
            self.message_user(request, words % {"accent": obj.accent, "light": light}, messages.WARNING)


def _has_money(shop: Shop) -> bool:
    return any(is_used(shop) for is_used in hooks.currency_is_used)


def _names(row: Any) -> tuple[str, ...]:
    return (row,) if isinstance(row, str) else tuple(row)
