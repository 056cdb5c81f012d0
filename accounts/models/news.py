"""What is told by mail: to operators as alerts, to people as mail that waits in the outbox."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models.tenancy import Shop


class Outgoing(models.Model):
    """Tried from `due_at` on until `sent_at` is set (sending.py); `due_at` null: given up."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=db_now())
    due_at = models.DateTimeField(null=True, db_default=db_now())
    sent_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True
        indexes = [models.Index(fields=["due_at"], condition=Q(sent_at=None), name="%(class)s_unsent")]


class AlertKind(models.TextChoices):
    ACCOUNT = "account", _("An upstream refuses our account")
    CONDUCT = "conduct", _("An organization was paused")
    PAYMENT = "payment", _("Money does not agree with Stripe")
    FRAUD = "fraud", _("A payment may be fraud")


class OperatorAlert(Outgoing):
    """What operators have to know at once."""

    kind = models.CharField(max_length=10, choices=AlertKind)
    subject = models.CharField(max_length=200)
    body = models.TextField()

    class Meta(Outgoing.Meta):
        verbose_name = _("alert")
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=AlertKind.values), name="alert_kind_is_known")
        ]

    def __str__(self) -> str:
        return self.subject


class QueuedMail(Outgoing):
    """Mail to one person. Address and text are erased once it was sent or given up; `template` says what it was."""

    template = models.CharField(max_length=60, blank=True)
    to = models.CharField(max_length=254, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True)
    html = models.TextField(blank=True)

    class Meta(Outgoing.Meta):
        verbose_name = _("mail")
        verbose_name_plural = _("mail")

    def __str__(self) -> str:
        return f"{_('mail')} {self.pk}"
