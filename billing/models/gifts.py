"""What is given: vouchers and who used them, welcome credits; and who wants to hear that few credits are left."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models import Organization, Shop

CODE = r"^[A-Z0-9-]{4,40}$"


class Voucher(models.Model):
    """A code that brings credits. `redeemed` counts; limits that are null do not bind, times neither."""

    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="vouchers")
    code = models.CharField(_("code"), max_length=40)
    credits = models.PositiveIntegerField(_("credits"))
    starts_at = models.DateTimeField(_("valid from"), null=True, blank=True)
    expires_at = models.DateTimeField(_("valid until"), null=True, blank=True)
    total_limit = models.PositiveIntegerField(_("times in all"), null=True, blank=True)
    per_organization_limit = models.PositiveIntegerField(_("times per organization"), default=1)
    per_person_limit = models.PositiveIntegerField(_("times per person"), default=1)
    active = models.BooleanField(_("active"), default=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    redeemed = models.PositiveIntegerField(_("redeemed"), default=0)
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        verbose_name = _("voucher")
        constraints = [
            models.UniqueConstraint(fields=["shop", "code"], name="one_voucher_per_code"),
            models.CheckConstraint(condition=Q(code__regex=CODE), name="voucher_code_can_be_typed"),
            models.CheckConstraint(condition=Q(credits__gte=1), name="voucher_brings_credits"),
            models.CheckConstraint(
                condition=Q(per_organization_limit__gte=1, per_person_limit__gte=1),
                name="voucher_can_be_used",
            ),
            models.CheckConstraint(
                condition=Q(total_limit=None) | Q(redeemed__lte=F("total_limit")),
                name="voucher_is_within_its_limit",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Redemption(models.Model):
    """That somebody used a voucher for an organization, and what it brought then. `user` is a person's uuid; the
    numbers count this voucher's redemptions by the organization and by the person, from 1.
    """

    voucher = models.ForeignKey(Voucher, on_delete=models.PROTECT, related_name="redemptions")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user = models.UUIDField()
    credits = models.PositiveIntegerField()
    organization_number = models.PositiveIntegerField()
    person_number = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["voucher", "organization", "organization_number"],
                name="one_redemption_per_organization",
            ),
            models.UniqueConstraint(
                fields=["voucher", "user", "person_number"], name="one_redemption_per_person"
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        return f"voucher:{self.pk}"


class Welcome(models.Model):
    """Credits to begin with: once per person and shop. The reference names the person as `welcome:<uuid>`, with the
    number of the shop behind it at others than the first.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    reference = models.CharField(max_length=60, unique=True)
    credits = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=db_now())

    def __str__(self) -> str:
        return self.reference


class WelcomeCount(models.Model):
    """How often a shop welcomed somebody on a day (UTC): in all, `network` "", and from each network, whose keyed
    hash is erased after two days.
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+")
    on = models.DateField()
    network = models.CharField(max_length=64, blank=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "on", "network"], name="one_welcome_count_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.on}: {self.count}"


class BalanceNotice(models.Model):
    """That an organization wants mail when it has fewer available credits than this; `low_since` while it has."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="balance_notice"
    )
    threshold_credits = models.PositiveBigIntegerField()
    low_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(threshold_credits__gte=1), name="balance_threshold_is_positive"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization} < {self.threshold_credits}"
