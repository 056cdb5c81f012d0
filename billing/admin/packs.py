"""What is sold. The price that people are shown here is the price that they are charged."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.desk import DeskAdmin
from accounts.organizations import first_shop
from billing.models import CreditPack


@admin.register(CreditPack)
class CreditPackAdmin(DeskAdmin):
    list_display = ("name", "credits", "bonus", "price_shown", "is_active", "position")
    list_filter = ("is_active",)
    ordering = ("position", "price_minor", "pk")
    fields = (
        "shop",
        "name",
        ("credits", "bonus"),
        ("price_minor", "currency"),
        ("is_active", "position"),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        shop = first_shop()
        return {"shop": shop.pk, "currency": shop.currency, **super().get_changeform_initial_data(request)}

    @admin.display(description=_("price"), ordering="price_minor")
    def price_shown(self, pack: CreditPack) -> str:
        return pack.price
