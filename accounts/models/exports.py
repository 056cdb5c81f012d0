"""Exports of an organization's data: rows are the queue of record, the files lie in the images storage."""

import secrets

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models.tenancy import Organization, User


class ExportState(models.TextChoices):
    WAITING = "waiting", _("Being made")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    GONE = "gone", _("Deleted")


def new_export_id() -> str:
    return f"exp_{secrets.token_hex(12)}"


class DataExport(models.Model):
    """One archive, made by whoever sees it due. `folder` is where its parts lie in the images storage, under a name
    that nobody guesses and no address leads to; `part_count` says how many there are. `tries` is the fence: who began
    a try before the latest writes nothing any more.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="exports")
    public_id = models.CharField(max_length=28, unique=True, default=new_export_id, editable=False)
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=7, choices=ExportState, default=ExportState.WAITING)
    created_at = models.DateTimeField(db_default=db_now())
    due_at = models.DateTimeField(null=True, db_default=db_now())
    tries = models.PositiveSmallIntegerField(default=0)
    folder = models.CharField(max_length=80, blank=True)
    part_count = models.PositiveIntegerField(default=0)
    byte_size = models.PositiveBigIntegerField(default=0)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(state=ExportState.WAITING),
                name="one_export_at_a_time",
            ),
            models.CheckConstraint(condition=Q(state__in=ExportState.values), name="export_state_is_known"),
            models.CheckConstraint(
                condition=~Q(state=ExportState.READY) | Q(expires_at__isnull=False),
                name="export_that_is_ready_expires",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state=ExportState.WAITING), name="export_due"),
            models.Index(fields=["expires_at"], condition=Q(state=ExportState.READY), name="export_expires"),
        ]

    def __str__(self) -> str:
        return self.public_id
