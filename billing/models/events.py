"""What Stripe tells us."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models import Shop
from billing.models.payments import Payment
from billing.models.stripe import StripeAccount


class StripeEvent(models.Model):
    """The inbox. `processed_at` null: still to be looked at, from `due_at` on.

    `refusals`: how often Stripe refused to say what it is about, counted up to where operators are told.
    """

    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(StripeAccount, on_delete=models.PROTECT, related_name="events")
    event_id = models.CharField(max_length=255)
    type = models.CharField(max_length=100)
    livemode = models.BooleanField()
    created = models.DateTimeField()
    payload = models.JSONField()
    payment = models.ForeignKey(Payment, null=True, on_delete=models.PROTECT, related_name="events")
    received_at = models.DateTimeField(db_default=db_now())
    due_at = models.DateTimeField(db_default=db_now())
    processed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    refusals = models.PositiveSmallIntegerField(default=0, db_default=0)
    error = models.CharField(max_length=300, blank=True)
    cut_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("event of Stripe")
        verbose_name_plural = _("events of Stripe")
        constraints = [
            models.UniqueConstraint(fields=["account", "event_id"], name="one_row_per_stripe_event"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(processed_at=None), name="stripe_event_due"),
            models.Index(fields=["received_at"], condition=Q(cut_at=None), name="stripe_event_uncut"),
        ]

    def __str__(self) -> str:
        return self.event_id
