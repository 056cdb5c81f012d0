"""What people can buy."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models import Shop
from billing.currencies import shown

MAX_PACK_CREDITS = 10_000_000_000


class CreditPack(models.Model):
    """What people choose from. A payment copies what it needs, so a pack may change or go at any time."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="credit_packs")
    name = models.CharField(_("name"), max_length=80)
    credits = models.PositiveBigIntegerField(_("credits"))
    bonus = models.PositiveBigIntegerField(
        _("bonus"), default=0, help_text=_("Credits on top, shown as a gift")
    )
    price_minor = models.PositiveBigIntegerField(
        _("price"), help_text=_("In the smallest unit: 1000 is $10.00, or ¥1000")
    )
    currency = models.CharField(_("currency"), max_length=3)
    is_active = models.BooleanField(_("on sale"), default=True)
    position = models.IntegerField(_("position"), default=0, help_text=_("Smallest first"))
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        verbose_name = _("credit pack")
        ordering = ["position", "price_minor", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["shop", "name"], name="one_credit_pack_per_name"),
            models.CheckConstraint(
                condition=Q(credits__gte=1, price_minor__gte=1), name="credit_pack_sells_something"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def total_credits(self) -> int:
        return self.credits + self.bonus

    @property
    def price(self) -> str:
        return shown(self.price_minor, self.currency)

    @property
    def offer(self) -> str:
        """What is sold for what. Forms carry it, so that nobody buys something else than they were shown."""
        return f"{self.total_credits}:{self.price_minor}:{self.currency}"

    def clean(self) -> None:
        self.currency = self.currency.lower()
        if self.shop_id is not None and self.currency != self.shop.currency:
            text = _t("This shop's currency is %(currency)s.") % {"currency": self.shop.currency.upper()}
            raise ValidationError({"currency": text})
        if self.credits is not None and self.bonus is not None and self.total_credits > MAX_PACK_CREDITS:
            raise ValidationError({"credits": _t("That is more than a wallet should hold.")})
