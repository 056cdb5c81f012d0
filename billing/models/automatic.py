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
    GIVEN_BACK = "given_back", _("A payment was given back or disputed")
    TAX = "tax", _("This shop adds taxes, which it can only do on the page where you pay")


class AutoTopUp(models.Model):
    """Buys `pack` with the saved card when the available credits fall below `threshold`.

    `version` counts how often it was switched on or changed: a purchase is charged under the version that it was
    ordered under alone. `waits_for_card`: it is to go on once a card was saved, on the page that was opened for
    this version, within a day of `armed_at`. `cap_minor`: what it may spend in a calendar month (UTC), None: no
    limit. `told_payment`, `told_day` and `told_month`: the failure, and the day and the month whose limits, people
    were last told of. `due_at`: not looked at before; `tries`: looks in a row that came to no end; `refusals`: of
    Stripe since it last answered a charge, counted until operators are told.
    """

    organization = models.OneToOneField(Organization, on_delete=models.PROTECT, related_name="auto_top_up")
    is_on = models.BooleanField(default=False)
    waits_for_card = models.BooleanField(default=False)
    threshold = models.PositiveBigIntegerField()
    pack = models.ForeignKey(CreditPack, null=True, on_delete=models.SET_NULL, related_name="+")
    cap_minor = models.PositiveBigIntegerField(null=True)
    actor = models.CharField(max_length=60)
    version = models.PositiveIntegerField(default=1, db_default=1)
    armed_at = models.DateTimeField(db_default=db_now())
    stopped_reason = models.CharField(max_length=10, choices=StoppedReason, blank=True)
    told_payment = models.ForeignKey(Payment, null=True, on_delete=models.PROTECT, related_name="+")
    told_day = models.DateField(null=True)
    told_month = models.DateField(null=True)
    due_at = models.DateTimeField(db_default=db_now())
    tries = models.PositiveSmallIntegerField(default=0)
    refusals = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(threshold__gte=1), name="auto_top_up_has_a_threshold"),
        ]

    def __str__(self) -> str:
        return f"{self.organization}"
