"""What is watched: counts that only grow, what is wrong, and what upstreams say that they cost."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models import Shop
from generations.models.upstreams import Upstream


class Meter(models.Model):
    """How often something happened, by all processes since it was first counted; `labels` as JSON, sorted.

    Also what is measured seldom and shown often, such as when the books were last checked (config/watching).
    """

    name = models.CharField(max_length=60)
    labels = models.CharField(max_length=300, default="{}")
    value = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "labels"], name="one_meter_per_labels")]

    def __str__(self) -> str:
        return f"{self.name} {self.labels} {self.value}"


class MeterMarks(models.Model):
    """Up to where rows were counted, in one row for all: the highest ids, and the time until which orders had ended."""

    orders = models.BigIntegerField()
    entries = models.BigIntegerField()
    webhook_attempts = models.BigIntegerField()
    ended_until = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="meters_have_one_row_of_marks")]

    def __str__(self) -> str:
        return f"{self.ended_until}"


class Alarm(models.Model):
    """Something that is wrong, from when it was first seen until it was seen no more. `told_at` null: operators have
    had no mail of it, since it was over before, or came back soon after the last. `shop` null: with the whole
    installation.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, null=True, related_name="+")
    condition = models.CharField(_("condition"), max_length=60)
    subject = models.CharField(_("subject"), max_length=200)
    advice = models.TextField(_("what to do"))
    began_at = models.DateTimeField(_("began"), db_default=db_now())
    told_at = models.DateTimeField(_("told"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("alarm")
        constraints = [
            models.UniqueConstraint(
                fields=["condition"], condition=Q(ended_at=None), name="one_open_alarm_per_condition"
            )
        ]
        indexes = [models.Index(fields=["condition", "-id"], name="alarm_newest_first")]

    def __str__(self) -> str:
        return self.subject


class BilledDay(models.Model):
    """What an upstream says that a day (UTC) cost, as an operator entered it from its bill."""

    upstream = models.ForeignKey(Upstream, on_delete=models.PROTECT, related_name="billed_days")
    day = models.DateField(_("day"))
    amount_micros = models.BigIntegerField(_("amount"), validators=[MinValueValidator(0)])

    class Meta:
        verbose_name = _("billed day")
        constraints = [
            models.UniqueConstraint(fields=["upstream", "day"], name="one_bill_a_day_and_upstream"),
            models.CheckConstraint(condition=Q(amount_micros__gte=0), name="bill_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.day}"
