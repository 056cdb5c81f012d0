"""What a shop sells: models with prices."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models import Shop
from accounts.statements import Select
from generations.errors import NotOnSale


class ImageModel(models.Model):
    """A model that makes images. It has no price of its own: shops have."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    active = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("model")
        verbose_name_plural = _("models")

    def __str__(self) -> str:
        return self.name


class ModelPrice(models.Model):
    """What one image costs in a shop from a moment on; the newest that is valid counts."""

    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="prices")
    model = models.ForeignKey(ImageModel, on_delete=models.PROTECT, related_name="prices")
    credits = models.PositiveIntegerField()
    valid_from = models.DateTimeField(db_default=db_now())

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints = [
            models.UniqueConstraint(fields=["shop", "model", "valid_from"], name="one_price_at_a_time"),
            models.CheckConstraint(condition=Q(credits__gte=1), name="price_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.credits}"


_valid_prices = Select(
    lambda shop_id, model_slug: (
        ModelPrice.objects.filter(
            shop_id=shop_id, model__slug=model_slug, model__active=True, valid_from__lte=db_now()
        )
        .order_by("-valid_from")
        .values_list("model_id", "credits")[:1]
    )
)


def price_now(shop_id: int, model_slug: str) -> tuple[int, int]:
    """(model id, credits an image). Raises NotOnSale."""
    for model_id, credits in _valid_prices(shop_id=shop_id, model_slug=model_slug):
        return model_id, credits
    raise NotOnSale
