"""Goodwill for an incident: which orders were affected, and what each organization got for them."""

import secrets

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models import Organization, Shop
from generations.models.upstreams import Upstream


def new_incident_id() -> str:
    return f"inc_{secrets.token_hex(12)}"


class Affected(models.TextChoices):
    """How the orders ended that an incident is about."""

    FAILED = "failed", _("Failed, for whatever reason")
    TIMEOUT = "timeout", _("Failed: not made in time")
    UNAVAILABLE = "upstream_unavailable", _("Failed: no upstream could be reached")
    SUCCEEDED = "succeeded", _("Succeeded, with images that were not right")


class IncidentState(models.TextChoices):
    DRAFT = "draft", _("Only looked at")
    RUNNING = "running", _("Being credited")
    DONE = "done", _("Credited")


class Incident(models.Model):
    """Live orders that ended from `since` on, before `until`; by way of `upstream`, if one is named. Each brings
    `credits_each`, null: what it costs.

    `key` is all of that in words, so that two people who enter the same get one row. `cursor_at` and `cursor_id`: the
    last order that has been dealt with; orders go by their end, so that one index finds them.
    """

    public_id = models.CharField(max_length=28, unique=True, default=new_incident_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=160, unique=True)
    name = models.CharField(_("name"), max_length=120)
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"))
    upstream = models.ForeignKey(
        Upstream,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("upstream"),
    )
    affected = models.CharField(_("outcome"), max_length=20, choices=Affected)
    credits_each = models.PositiveIntegerField(_("credits for each task"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=7, choices=IncidentState, default=IncidentState.DRAFT)
    actor = models.CharField(max_length=60)
    reason = models.CharField(max_length=500, blank=True)
    cursor_at = models.DateTimeField(null=True)
    cursor_id = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(db_default=db_now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("incident")
        permissions = [("credit_incident", _("Can give credits for an incident"))]
        constraints = [
            models.CheckConstraint(condition=Q(since__lt=F("until")), name="incident_takes_time"),
            models.CheckConstraint(
                condition=Q(credits_each=None) | Q(credits_each__gte=1), name="incident_gives_something"
            ),
            models.CheckConstraint(
                condition=Q(affected__in=Affected.values) & Q(state__in=IncidentState.values),
                name="incident_words_are_known",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="running"), name="incident_running"),
        ]

    def __str__(self) -> str:
        return self.name

    def reference(self, task_id: str) -> str:
        """How the ledger names what this order brought."""
        return f"incident:{self.public_id}:{task_id}"


class IncidentShare(models.Model):
    """What one organization got of an incident so far; `told`: how many of its credits it has been told of."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="shares", db_index=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    tasks = models.PositiveIntegerField(default=0)
    credits = models.PositiveBigIntegerField(default=0)
    told = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["incident", "organization"], name="one_share_per_incident"),
            models.CheckConstraint(condition=Q(told__lte=F("credits")), name="share_tells_what_it_is"),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.credits}"
