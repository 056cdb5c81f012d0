"""Vouchers, and who used them."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.desk.base import DeskAdmin, ReadOnlyAdmin, RowForm
from accounts.desk.lists import Stretch
from accounts.newest_first import OF_ALL
from billing import manual, vouchers
from billing.models import Redemption, Voucher

BY_VOUCHER = "voucher__id__exact"
FROM_ONE = ("credits", "total_limit", "per_organization_limit", "per_person_limit")


class VoucherForm(RowForm):
    class Meta:
        model = Voucher
        fields = (
            "code",
            "credits",
            "starts_at",
            "expires_at",
            "total_limit",
            "per_organization_limit",
            "per_person_limit",
            "active",
            "note",
        )
        help_texts = {
            "code": gettext_lazy(
                "4 to 40 letters from A to Z, digits and hyphens; small letters and spaces make no difference. Short"
                " ones can be guessed."
            ),
            "total_limit": gettext_lazy("Empty: as often as anybody likes."),
            "note": gettext_lazy("For operators alone."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.instance.shop = self.shop_of_new()
        for name in FROM_ONE:
            if name in self.fields:  # not when it may only be looked at
                self.fields[name].validators.append(MinValueValidator(1))
                self.fields[name].widget.attrs["min"] = 1
        if "credits" in self.fields:
            self.fields["credits"].validators.append(MaxValueValidator(manual.MAX_MANUAL_CREDITS))

    def clean_code(self) -> str:
        code = vouchers.clean_code(str(self.cleaned_data["code"]))
        if not code:
            raise ValidationError(_("A code has 4 to 40 letters from A to Z, digits and hyphens."))
        if Voucher.objects.filter(shop=self.shop_of_row(), code=code).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("There is a voucher with this code already."))
        return code

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        starts_at, expires_at = cleaned.get("starts_at"), cleaned.get("expires_at")
        if starts_at and expires_at and expires_at <= starts_at:
            self.add_error("expires_at", ValidationError(_("It would end before it begins.")))
        limit, redeemed = cleaned.get("total_limit"), self.instance.redeemed
        if limit is not None and limit < redeemed:
            words = ngettext(
                "It was used %(count)d time already; switch it off instead.",
                "It was used %(count)d times already; switch it off instead.",
                redeemed,
            )
            self.add_error("total_limit", ValidationError(words % {"count": redeemed}))
        return cleaned

    def save(self, commit: bool = True) -> Voucher:
        if self.instance.pk is None:
            self.instance.shop = self.shop_of_new()
        saved: Voucher = super().save(commit)
        return saved


@admin.register(Voucher)
class VoucherAdmin(DeskAdmin):
    shop_path = "shop"
    form = VoucherForm
    list_display = ("code", "credits", "uses", "starts_at", "expires_at", "active", "note")
    list_filter = ("active",)
    search_fields = ("code", "note")
    ordering = ("-pk",)

    def get_fields(self, request: HttpRequest, obj: Voucher | None = None) -> Any:
        fields = ("code", "credits", "starts_at", "expires_at", "total_limit")
        more = (("per_organization_limit", "per_person_limit"), "active", "note")
        return (*fields, *more) if obj is None else (*fields, "redemptions_shown", *more)

    def get_readonly_fields(self, request: HttpRequest, obj: Voucher | None = None) -> Any:
        return () if obj is None else ("code", "credits", "redemptions_shown")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"code": vouchers.new_code(), **super().get_changeform_initial_data(request)}

    def has_delete_permission(self, request: HttpRequest, obj: Voucher | None = None) -> bool:
        """What brought credits stays, to say why."""
        is_unused = obj is None or not obj.redemptions.exists()
        return is_unused and bool(super().has_delete_permission(request, obj))

    def get_actions(self, request: HttpRequest) -> Any:
        return {
            name: found for name, found in super().get_actions(request).items() if name != "delete_selected"
        }

    def save_model(self, request: HttpRequest, obj: Voucher, form: Any, change: bool) -> None:
        # Somebody may redeem it meanwhile, and that count is not the form's.
        obj.save(update_fields=form.changed_data if change else None)

    @admin.display(description=gettext_lazy("used"), ordering="redeemed")
    def uses(self, voucher: Voucher) -> str:
        if voucher.total_limit is None:
            return str(voucher.redeemed)
        return _("%(used)d of %(limit)d") % {"used": voucher.redeemed, "limit": voucher.total_limit}

    @admin.display(description=gettext_lazy("used"))
    def redemptions_shown(self, voucher: Voucher) -> str:
        count = voucher.redeemed
        words = ngettext("%(count)d time", "%(count)d times", count) % {"count": count}
        path = reverse("admin:billing_redemption_changelist")
        return format_html('<a class="underline" href="{}?{}={}">{}</a>', path, BY_VOUCHER, voucher.pk, words)


@admin.register(Redemption)
class RedemptionAdmin(ReadOnlyAdmin):
    shop_path = "voucher__shop"
    list_display = ("voucher", "organization", "credits", "user", "created_at")
    list_select_related = ("voucher", "organization")
    list_filter = (Stretch,)
    narrow = {BY_VOUCHER: OF_ALL}
    search_by = {"": "voucher__code"}
    search_help_text = gettext_lazy("A voucher's code")

    def narrowed_to(self, request: HttpRequest, name: str, value: str) -> str:
        return self.named(request, Voucher, value, "code")
