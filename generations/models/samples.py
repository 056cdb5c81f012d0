"""What a shop shows of what it makes."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models import Shop
from generations.models.orders import Image


class Sample(models.Model):
    """An image that the operator shows to everybody. `data`: a small WebP of its own, which lies at an address with
    `name` in it; it stays when the order's file is deleted, and goes from the page with a takedown.
    """

    MAX_CAPTION: ClassVar[int] = 200

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="samples")
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="samples")
    name = models.CharField(max_length=24, unique=True)
    caption = models.CharField(_("caption"), max_length=MAX_CAPTION, blank=True)
    data = models.BinaryField()
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        verbose_name = _("sample on the landing page")
        verbose_name_plural = _("samples on the landing page")
        constraints = [models.UniqueConstraint(fields=["shop", "image"], name="one_sample_per_image")]

    def __str__(self) -> str:
        return self.caption or self.name
