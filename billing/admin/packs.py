"""What is sold. The price that people are shown here is the price that they are charged."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.desk.base import DeskAdmin, RowForm
from accounts.desk.scope import shop_of_desk
from billing.currencies import LEAST_CHARGE, shown, step
from billing.models import CreditPack


class PackForm(RowForm):
    class Meta:
        model = CreditPack
        fields = ("name", "credits", "bonus", "price_minor", "currency", "is_active", "position")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.instance.shop = self.shop_of_new()
        for name in ("credits", "price_minor"):
            if name in self.fields:  # not when it may only be looked at
                self.fields[name].validators.append(MinValueValidator(1))
                self.fields[name].widget.attrs["min"] = 1

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        same = CreditPack.objects.filter(shop=self.instance.shop, name=name)
        if same.exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("There is a pack with this name already."))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        price_minor, currency = cleaned.get("price_minor"), str(cleaned.get("currency") or "").lower()
        least = LEAST_CHARGE.get(currency, 1)
        if price_minor is not None and 1 <= price_minor < least:
            text = _("Stripe charges no less than %(least)s.") % {"least": shown(least, currency)}
            self.add_error("price_minor", ValidationError(text))
        elif price_minor is not None and price_minor % step(currency):
            text = _("Stripe charges only multiples of %(step)s.") % {"step": shown(step(currency), currency)}
            self.add_error("price_minor", ValidationError(text))
        return cleaned


@admin.register(CreditPack)
class CreditPackAdmin(DeskAdmin):
    shop_path = "shop"
    form = PackForm
    list_display = ("name", "credits", "bonus", "price_shown", "is_active", "position")
    list_filter = ("is_active",)
    ordering = ("position", "price_minor", "pk")
    fields = ("name", ("credits", "bonus"), ("price_minor", "currency"), ("is_active", "position"))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"currency": shop_of_desk(request).currency, **super().get_changeform_initial_data(request)}

    @admin.display(description=gettext_lazy("price"), ordering="price_minor")
    def price_shown(self, pack: CreditPack) -> str:
        return pack.price
