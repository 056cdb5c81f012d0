"""What is sold: models, and what an image costs. A price is never changed; a new one takes its place from a day on."""

import datetime
from typing import Any

from django.contrib import admin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import figures
from accounts.clock import db_now, read_db_now
from accounts.desk.base import DeskAdmin, RowForm
from accounts.desk.rows import EVERYBODYS
from accounts.desk.scope import shop_of_desk
from generations.models import ImageModel, ModelPrice

MOST_CREDITS = 1_000_000
JUST_NOW = datetime.timedelta(minutes=5)  # a form takes a while to be filled in


@admin.register(ImageModel)
class ImageModelAdmin(DeskAdmin):
    """Which there are is the product's; whether it is sold, and under which name, the operator's."""

    shop_path = EVERYBODYS
    list_display = ("slug", "name", "price_now", "active")
    fields = ("slug", "name", "active")
    readonly_fields = ("slug",)
    ordering = ("slug",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImageModel]:
        valid = ModelPrice.objects.filter(shop=shop_of_desk(request), model=OuterRef("pk"))
        newest = valid.filter(valid_from__lte=db_now()).order_by("-valid_from").values("credits")[:1]
        rows: QuerySet[ImageModel] = super().get_queryset(request).annotate(credits_now=Subquery(newest))
        return rows

    @admin.display(description=gettext_lazy("credits an image"))
    def price_now(self, model: ImageModel) -> str:
        """In the shop whose desk it is."""
        found: int | None = getattr(model, "credits_now", None)
        return "-" if found is None else figures.count(found)


class PriceForm(RowForm):
    class Meta:
        model = ModelPrice
        fields = ("model", "credits", "valid_from")
        help_texts = {
            "credits": gettext_lazy(
                "For one image. Orders that are open keep the price they were accepted at."
            ),
            "valid_from": gettext_lazy("UTC. Now, or later."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.instance.shop = self.shop_of_new()
        if "credits" in self.fields:  # not when it may only be looked at
            self.fields["credits"].validators += [MinValueValidator(1), MaxValueValidator(MOST_CREDITS)]
            self.fields["credits"].widget.attrs["min"] = 1

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        model, valid_from = cleaned.get("model"), cleaned.get("valid_from")
        if valid_from is None or model is None:
            return cleaned
        if valid_from < read_db_now() - JUST_NOW:
            self.add_error("valid_from", _("What was paid before cannot be changed: take now, or later."))
        elif ModelPrice.objects.filter(shop=self.instance.shop, model=model, valid_from=valid_from).exists():
            self.add_error("valid_from", _("There is a price from that moment on already."))
        return cleaned


@admin.register(ModelPrice)
class ModelPriceAdmin(DeskAdmin):
    shop_path = "shop"
    form = PriceForm
    list_display = ("model", "credits", "valid_from", "standing")
    list_select_related = ("model",)
    ordering = ("model__slug", "-valid_from")
    fields = ("model", "credits", "valid_from")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        now = read_db_now().replace(microsecond=0)
        return {"valid_from": now, **super().get_changeform_initial_data(request)}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ModelPrice | None = None) -> bool:
        """Of one that nobody has paid yet."""
        is_coming = obj is not None and obj.valid_from > read_db_now()
        return is_coming and bool(super().has_delete_permission(request, obj))

    @admin.display(description=gettext_lazy("standing"))
    def standing(self, price: ModelPrice) -> str:
        now = read_db_now()
        if price.valid_from > now:
            return _("to come")
        later = ModelPrice.objects.filter(
            shop=price.shop_id, model=price.model_id, valid_from__gt=price.valid_from, valid_from__lte=now
        )
        return _("past") if later.exists() else _("valid")
