"""What every hour brought, counted once."""

from django.db import models

from accounts.clock import db_now
from accounts.models import Shop


class CountedHour(models.Model):
    """That the orders which ended within the hour from `hour` on were counted, for every shop that had any.

    `is_final`: no attempt of theirs may still come to cost something, so it is not counted again.
    """

    hour = models.DateTimeField(unique=True)
    is_final = models.BooleanField(default=False)
    counted_at = models.DateTimeField(db_default=db_now())

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["hour"], condition=models.Q(is_final=False), name="counted_hour_not_final")
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}"


class HourSum(models.Model):
    """Of the orders of one shop that ended within the hour from `hour` on: how many, their images, what they brought
    and what they cost, in millionths of the shop's currency (today.py). Orders by test keys count for their cost alone.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    hour = models.DateTimeField()
    succeeded = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    canceled = models.PositiveIntegerField(default=0)
    images = models.PositiveIntegerField(default=0)
    income_micros = models.BigIntegerField(default=0)
    cost_micros = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour", "shop"], name="one_sum_an_hour_and_shop")]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}: {self.images}"
