"""Where customers want to hear of what happened, and the secrets that it is signed with."""

import secrets

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models import Organization

MAX_URL = 2048


def new_endpoint_id() -> str:
    return f"we_{secrets.token_hex(12)}"


class Signing(models.Model):
    """A secret that signs, and until `old_secret_until` the one before it as well. Sealed; "" for none."""

    sealed_secret = models.TextField()
    sealed_old_secret = models.TextField(blank=True)
    old_secret_until = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class DisabledReason(models.TextChoices):
    """Machine words, shown by the API."""

    BY_HAND = "by_hand", _("switched off")
    GONE = "gone", _("it answered 410 Gone")
    FAILING = "failing", _("it failed for days")


class WebhookEndpoint(Signing):
    """`livemode`: hears of live or of test orders, never of both. `failing_since`: since its last success nothing but
    failures. One that was deleted stays as an id for the log, without address and secrets.
    """

    public_id = models.CharField(max_length=32, unique=True, default=new_endpoint_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="webhook_endpoints")
    livemode = models.BooleanField()
    url = models.CharField(max_length=MAX_URL, blank=True)
    events = models.JSONField(default=list)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=10, choices=DisabledReason, blank=True)
    failing_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=db_now())
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("webhook endpoint")
        constraints = [
            models.CheckConstraint(
                condition=Q(disabled_reason__in=["", *DisabledReason.values]),
                name="endpoint_reason_is_known",
            ),
            models.CheckConstraint(
                condition=Q(enabled=True, disabled_reason="", deleted_at=None)
                | Q(enabled=False) & (~Q(disabled_reason="") | Q(deleted_at__isnull=False)),
                name="endpoint_disabled_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class WebhookHost(models.Model):
    """One at which orders of an organization want to be told and where, since the last success, every try has failed;
    one that works has no row. `target` is that of its deliveries.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    target = models.CharField(max_length=40, unique=True)
    failing_since = models.DateTimeField(db_default=db_now())
    failed_at = models.DateTimeField(db_default=db_now())

    def __str__(self) -> str:
        return self.target


class WebhookFeed(Signing):
    """What an organization's events have in common: their numbers, and what signs those for the `webhook_url` of an
    order. Its row is locked from an event until its commit, so numbers have no gaps and grow as events are committed.
    """

    organization = models.OneToOneField(
        Organization, on_delete=models.PROTECT, primary_key=True, related_name="webhook_feed"
    )
    last_sequence = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.last_sequence)
