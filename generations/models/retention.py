"""How far what is past its time has gone."""

from django.db import models


class RetentionMark(models.Model):
    """All orders up to the number `up_to` have been dealt with: everybody's, or those of one organization and mode,
    as `subject` says.
    """

    subject = models.CharField(max_length=60, unique=True)
    up_to = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.subject}: {self.up_to}"
