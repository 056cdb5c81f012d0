"""The shop's own page at the operator's desk: what it is called, how it looks, and what its customers accept."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldBooleanWidget

from accounts import accent, hooks, logos
from accounts.desk import DeskAdmin, RowForm
from accounts.models import Shop


class ShopForm(RowForm):
    patterns = {
        "accent": RegexValidator(r"^#[0-9a-fA-F]{6}\Z", _("A colour is written as #rrggbb.")),
        "currency": RegexValidator(r"^[a-z]{3}\Z", _("A currency is three small letters, such as usd.")),
    }
    new_logo = forms.FileField(
        label=_("New logo"),
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text=_("A PNG, JPEG or WebP of at most 2 MB, shown 32 pixels high in place of the plate."),
    )
    no_logo = forms.BooleanField(
        label=_("Remove the logo"),
        required=False,
        widget=UnfoldBooleanWidget,
        help_text=_("The plate comes back."),
    )

    class Meta:
        model = Shop
        fields = (
            "name",
            "promise",
            "accent",
            "currency",
            "logo_has_name",
            "terms_version",
            "terms_url",
            "privacy_version",
            "privacy_url",
            "imprint_url",
            "support_email",
        )
        help_texts = {
            "promise": _(
                "One sentence on the landing page. Empty: the product's own, in the reader's language."
            ),
            "accent": _(
                "Colour as #rrggbb. Where it would be hard to read, pages show it darker, or lighter in the dark."
            ),
            "currency": _(
                "Of all prices; it stays once somebody has paid. Packs keep theirs until you change them."
            ),
            "terms_version": _(
                "Such as a date. Members accept each version once before they go on; empty: nobody is asked."
            ),
            "privacy_version": _("Likewise."),
            "support_email": _("At the foot of every page and on errors; empty: none."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, pattern in self.patterns.items():
            if name in self.fields:  # not when it may only be looked at
                self.fields[name].validators.append(pattern)

    def clean_new_logo(self) -> bytes | None:
        """The PNG that is kept of it."""
        file = self.cleaned_data["new_logo"]
        return logos.prepare(file.read(logos.MAX_BYTES + 1)) if file else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for kind in ("terms", "privacy"):
            if cleaned.get(f"{kind}_version") and not cleaned.get(f"{kind}_url", "x"):
                self.add_error(f"{kind}_url", ValidationError(_("Say where the version can be read.")))
        if cleaned.get("new_logo") and cleaned.get("no_logo"):
            self.add_error("no_logo", ValidationError(_("Either a new one, or none.")))
        return cleaned


@admin.register(Shop)
class ShopAdmin(DeskAdmin):
    shop_path = "pk"
    form = ShopForm
    list_display = ("name", "currency", "terms_version", "privacy_version")
    fieldsets = (
        (None, {"fields": ("name", "promise", "currency")}),
        (
            _("How it looks"),
            {"fields": (("accent", "accent_shown"), ("logo_now", "new_logo"), ("logo_has_name", "no_logo"))},
        ),
        (
            _("What members accept"),
            {"fields": (("terms_version", "terms_url"), ("privacy_version", "privacy_url"))},
        ),
        (_("At the foot of every page"), {"fields": ("imprint_url", "support_email")}),
    )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Shop | None = None) -> Any:
        is_fixed = obj is not None and any(is_used(obj) for is_used in hooks.currency_is_used)
        return ("accent_shown", "logo_now", *(("currency",) if is_fixed else ()))

    def get_fieldsets(self, request: HttpRequest, obj: Shop | None = None) -> Any:
        """Without what only a form has, for somebody who may only look."""
        found = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj):
            return found
        own = {"new_logo", "no_logo"}
        rows = [
            (title, [tuple(name for name in _names(row) if name not in own) for row in options["fields"]])
            for title, options in found
        ]
        return [(title, {"fields": fields}) for title, fields in rows]

    @admin.display(description=_("colours on pages"))
    def accent_shown(self, shop: Shop) -> str:
        """As text: this desk shows colours of its own."""
        light, dark = accent.on_light(shop.accent), accent.on_dark(shop.accent)
        return gettext("%(light)s on light paper, %(dark)s on dark") % {"light": light, "dark": dark}

    @admin.display(description=_("logo"))
    def logo_now(self, shop: Shop) -> str:
        if not shop.logo:
            return gettext("the plate")
        return format_html(
            '<img src="{}" alt="{}" height="32">', reverse("logo", args=[shop.logo]), shop.name
        )

    def save_model(self, request: HttpRequest, obj: Shop, form: Any, change: bool) -> None:
        obj.save(update_fields=[name for name in form.changed_data if name not in ("new_logo", "no_logo")])
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


def _names(row: Any) -> tuple[str, ...]:
    return (row,) if isinstance(row, str) else tuple(row)
