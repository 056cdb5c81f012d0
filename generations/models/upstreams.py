"""Accounts with those who make images, and what all workers know of them together."""

from typing import Any

from django.db import models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts import sealing
from accounts.clock import db_now
from accounts.models import Organization, Shop


class CostUnit(models.TextChoices):
    IMAGE = "image", _("an image")
    MEGAPIXEL = "megapixel", _("a megapixel")


class Upstream(models.Model):
    """A shop's account with a provider of images, as the operator set it up.

    Smaller `priority` goes first; among equals chance decides by `weight`. `concurrency` is how many of our orders it
    works on at once. `model_names`: our model's slug -> its name there. `sizes` as "1024x1024", none for every size
    from `min_side` to `max_side` pixels. `cost_micros` are millionths of the shop's currency.

    `inside`: whoever runs the installation has entered its address, so it may lie in our own network. `wholesale`: as
    which customer of another shop of this installation this shop buys there (generations/wholesale.py).
    """

    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="upstreams")
    name = models.CharField(_("name"), max_length=60)
    provider = models.CharField(_("provider"), max_length=40)
    base_url = models.CharField(_("base address"), max_length=300)
    sealed_credential = models.TextField(blank=True, editable=False)
    sealed_webhook_secret = models.TextField(blank=True, editable=False)
    model_names = models.JSONField(_("models"), default=dict)
    sizes = models.JSONField(_("sizes"), default=list, blank=True)
    min_side = models.PositiveSmallIntegerField(_("shortest side"), default=256)
    max_side = models.PositiveSmallIntegerField(_("longest side"), default=1536)
    priority = models.PositiveSmallIntegerField(_("priority"), default=10)
    weight = models.PositiveSmallIntegerField(_("weight"), default=1)
    concurrency = models.PositiveIntegerField(_("concurrency"), default=10)
    polls_per_second = models.PositiveIntegerField(_("questions a second"), null=True, blank=True)
    cost_micros = models.PositiveBigIntegerField(_("cost"), default=0)
    cost_unit = models.CharField(_("cost of"), max_length=9, choices=CostUnit, default=CostUnit.IMAGE)
    resends = models.BooleanField(_("may be sent again"), default=False)
    uses_webhooks = models.BooleanField(_("sends webhooks"), default=False)
    enabled = models.BooleanField(_("enabled"), default=True)
    inside = models.BooleanField(default=False, db_default=False, editable=False)
    wholesale = models.ForeignKey(
        Organization,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="sells_on_by",
        editable=False,
    )
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        verbose_name = _("upstream")
        constraints = [
            models.UniqueConstraint(fields=["shop", "name"], name="one_upstream_per_name"),
            models.UniqueConstraint(fields=["shop", "wholesale"], name="one_upstream_per_wholesale"),
            models.CheckConstraint(condition=Q(weight__gte=1), name="upstream_weight_is_positive"),
            models.CheckConstraint(condition=Q(concurrency__gte=1), name="upstream_works_on_one_at_least"),
            models.CheckConstraint(
                condition=Q(polls_per_second=None) | Q(polls_per_second__gte=1), name="upstream_can_be_asked"
            ),
            models.CheckConstraint(
                condition=Q(min_side__lte=F("max_side")), name="upstream_sides_are_a_range"
            ),
            models.CheckConstraint(
                condition=Q(cost_unit__in=CostUnit.values), name="upstream_cost_unit_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, **options: Any) -> None:
        """With its state, so that every upstream has one."""
        with transaction.atomic():
            super().save(**options)
            UpstreamState.objects.get_or_create(upstream=self)

    @property
    def credential(self) -> str:
        """Raises sealing.Unreadable."""
        return sealing.unseal(self.sealed_credential)

    @credential.setter
    def credential(self, text: str) -> None:
        self.sealed_credential = sealing.seal(text)

    @property
    def webhook_secret(self) -> str:
        """Raises sealing.Unreadable."""
        return sealing.unseal(self.sealed_webhook_secret)

    @webhook_secret.setter
    def webhook_secret(self, text: str) -> None:
        self.sealed_webhook_secret = sealing.seal(text)

    def makes(self, width: int, height: int) -> bool:
        """Whether it can do this size, in pixels."""
        if self.sizes:
            return f"{width}x{height}" in self.sizes
        return self.min_side <= min(width, height) and max(width, height) <= self.max_side

    def name_of(self, model: str, usual: str) -> str:
        """Its own name for our model's slug; `usual`: where the operator gave none."""
        return str(self.model_names.get(model, usual))

    def cost_of(self, width: int, height: int, n: int) -> int:
        """What `n` images of this size cost us, rounded up to a millionth."""
        if self.cost_unit == CostUnit.MEGAPIXEL:
            return -(-self.cost_micros * width * height * n // 1_000_000)
        return self.cost_micros * n


class UpstreamState(models.Model):
    """What all workers know of an upstream together: how many of our orders it has, and its circuit.

    `in_flight` counts its attempts without an outcome. The circuit is closed while `open_until` is null; once that time
    has passed, one order probes it, until `probe_until`. `openings` counts those without a success in between,
    `failures` the failures since the last. `paced_until`: the next question to it is due then. `full_until`: it takes
    no new orders before, as it said.
    """

    upstream = models.OneToOneField(
        Upstream, primary_key=True, on_delete=models.CASCADE, related_name="state"
    )
    in_flight = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    openings = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    open_until = models.DateTimeField(null=True)
    probe_until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=20, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    paced_until = models.DateTimeField(null=True)
    full_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(opened_at=None, open_until=None)
                | Q(opened_at__isnull=False, open_until__isnull=False),
                name="upstream_circuit_is_open_or_closed",
            ),
        ]

    def __str__(self) -> str:
        return str(self.upstream)


class PaidCancels(models.Model):
    """How many orders an organization canceled on a day that their upstream went on making, at the shop's expense."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    on = models.DateField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "on"], name="paid_cancels_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.organization} {self.on}: {self.count}"
