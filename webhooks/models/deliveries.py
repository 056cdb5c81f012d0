"""What happened, whom it is told, and every try to do so."""

import secrets
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Abs
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models import Organization
from webhooks.models.endpoints import MAX_URL, WebhookEndpoint

MAX_ANSWER = 500


def new_delivery_id() -> str:
    return f"msg_{secrets.token_hex(12)}"


class WebhookEvent(models.Model):
    """`data` is what is told, or null where it is made anew for each try from `reference`, such as
    `generation:task_…` (webhooks/hooks.py): links in it stay fresh, and prompts are kept in one place.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    livemode = models.BooleanField()
    type = models.CharField(max_length=40)
    sequence = models.PositiveBigIntegerField()
    data = models.JSONField(null=True)
    reference = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "sequence"], name="one_event_per_sequence"),
            models.CheckConstraint(
                condition=Q(data__isnull=False) | ~Q(reference=""), name="event_says_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.sequence}"


class DeliveryState(models.TextChoices):
    PENDING = "pending", _("Pending")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def unfinished(self) -> Self:
        """The pending ones, by way of their index: searches among all rows start here."""
        return self.filter(finished_at=None)

    def newest_first(self, before: int | None = None) -> Self:
        """Those with ids below `before`."""
        # Abs keeps PostgreSQL from walking the primary key back, through everybody's.
        rows = self if before is None else self.alias(number=Abs("id")).filter(number__lt=before)
        return rows.order_by(Abs("id").desc())


class WebhookDelivery(models.Model):
    """One event for one address: a pending row is the work item itself. `claim` counts the tries and is the fence
    against late workers; `step` is where in the schedule it stands; a row under a lease is being sent.

    `url` is that of an order's `webhook_url`, "" for an endpoint's. `target` says whose it is, for the share that each
    has: `we:<id>`, or `host:` with a digest of organization and host. `replays`: how often somebody wanted it sent
    again. `response_status` is the last answer's.
    """

    public_id = models.CharField(max_length=32, unique=True, default=new_delivery_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    livemode = models.BooleanField()
    event = models.ForeignKey(WebhookEvent, on_delete=models.PROTECT, related_name="deliveries")
    endpoint = models.ForeignKey(
        WebhookEndpoint, null=True, on_delete=models.PROTECT, related_name="deliveries", db_index=False
    )
    url = models.CharField(max_length=MAX_URL, blank=True)
    target = models.CharField(max_length=40)
    status = models.CharField(max_length=9, choices=DeliveryState, default=DeliveryState.PENDING)
    claim = models.PositiveIntegerField(default=0)
    step = models.PositiveSmallIntegerField(default=0)
    replays = models.PositiveIntegerField(default=0, db_default=0)
    next_attempt_at = models.DateTimeField(null=True, db_default=db_now())
    lease_until = models.DateTimeField(null=True)
    response_status = models.PositiveSmallIntegerField(null=True)
    created_at = models.DateTimeField(db_default=db_now())
    finished_at = models.DateTimeField(null=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=DeliveryState.values), name="delivery_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(status=DeliveryState.PENDING, next_attempt_at__isnull=False, finished_at=None)
                | ~Q(status=DeliveryState.PENDING)
                & Q(next_attempt_at=None, lease_until=None, finished_at__isnull=False),
                name="delivery_pending_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(endpoint__isnull=False, url="") | Q(endpoint=None) & ~Q(url=""),
                name="delivery_has_one_address",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"], condition=Q(finished_at=None), name="delivery_due"
            ),
            models.Index(
                fields=["target"], condition=Q(lease_until__isnull=False), name="delivery_under_way"
            ),
            models.Index("organization", Abs("id"), name="delivery_newest_first"),
            models.Index("endpoint", Abs("id"), name="delivery_of_endpoint"),
            models.Index(fields=["created_at"], name="delivery_by_age"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def address(self) -> str:
        return self.endpoint.url if self.endpoint is not None else self.url


class WebhookAttempt(models.Model):
    """One try: begun, and then what came of it. `error` is a machine word where no answer came, or one that we made
    (see webhooks/settling.py); both it and `response_status` are empty while it is under way, and stay so when its
    worker died.
    """

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField(db_default=db_now())
    response_status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=20, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    answer = models.CharField(max_length=MAX_ANSWER, blank=True)
    duration_ms = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="one_webhook_attempt_per_number")
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id}:{self.number}"
