"""Purchases that a shop makes by itself for its customers."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models import Organization
from billing.models.packs import CreditPack
from billing.models.payments import Payment


class StoppedReason(models.TextChoices):
    DECLINED = "declined", _("The card was declined three times")
    NO_CARD = "no_card", _("There is no saved card")
    NO_PACK = "no_pack", _("The pack is no longer sold")


class AutoTopUp(models.Model):
    """Buys `pack` with the saved card when the available credits fall below `threshold`.

    `cap_minor`: what it may spend in a calendar month (UTC), None: no limit. It was switched on at `armed_at`:
    failures from before do not count. `waits_for_card`: it is to go on
    once a card was saved. `told_payment` and `told_month`: the failure and the month whose cap
    people were last told of. `due_at`: not looked at before; `tries`: looks in a row that came to no end.
    """

    organization = models.OneToOneField(Organization, on_delete=models.PROTECT, related_name="auto_top_up")
    is_on = models.BooleanField(default=False)
    waits_for_card = models.BooleanField(default=False)
    threshold = models.PositiveBigIntegerField()
    pack = models.ForeignKey(CreditPack, null=True, on_delete=models.SET_NULL, related_name="+")
    cap_minor = models.PositiveBigIntegerField(null=True)
    actor = models.CharField(max_length=60)
    armed_at = models.DateTimeField(db_default=db_now())
    stopped_reason = models.CharField(max_length=10, choices=StoppedReason, blank=True)
    told_payment = models.ForeignKey(Payment, null=True, on_delete=models.PROTECT, related_name="+")
    told_month = models.DateField(null=True)
    due_at = models.DateTimeField(db_default=db_now())
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(threshold__gte=1), name="auto_top_up_has_a_threshold"),
        ]

    def __str__(self) -> str:
        return f"{self.organization}"
