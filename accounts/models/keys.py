"""The keys that act for organizations."""

import datetime
import secrets

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import keys
from accounts.clock import db_now
from accounts.models.tenancy import LIMITS_ARE_POSITIVE, Organization, User

SCOPES = ("generate", "read", "admin")
USE_NOTED_EVERY = datetime.timedelta(minutes=1)


def new_key_id() -> str:
    return f"key_{secrets.token_hex(12)}"


class ApiKey(models.Model):
    """A key acts for its organization within its scopes. The secret itself is never stored.

    `replaced_by`: the key that it was rotated to; until `expires_at` both work. `family`: the first of the keys that
    were rotated into one another, None for that one itself; it never changes, and limits that a rotation must not
    renew are kept by it. `frozen_reason`: a machine word.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_keys")
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    public_id = models.CharField(max_length=28, unique=True, default=new_key_id, editable=False)
    name = models.CharField(max_length=80, blank=True)
    livemode = models.BooleanField()
    prefix = models.CharField(max_length=keys.SHOWN_LENGTH, db_index=True)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    frozen_at = models.DateTimeField(null=True, blank=True)
    frozen_reason = models.CharField(max_length=20, blank=True, default="", db_default="")
    replaced_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    family = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.RESTRICT, related_name="+", db_index=False
    )
    allowed_addresses = models.JSONField(default=list, blank=True)
    rate_per_minute = models.PositiveIntegerField(null=True, blank=True)
    burst = models.PositiveIntegerField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_address = models.GenericIPAddressField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [
            models.CheckConstraint(
                condition=Q(livemode=True, prefix__startswith="tt_live_")
                | Q(livemode=False, prefix__startswith="tt_test_"),
                name="key_prefix_states_its_mode",
            ),
            models.CheckConstraint(condition=LIMITS_ARE_POSITIVE, name="key_limits_are_positive"),
        ]
        permissions = [("freeze_apikey", _("Can freeze, thaw and revoke keys"))]

    def __str__(self) -> str:
        return self.prefix

    @property
    def actor(self) -> str:
        """How append-only rows name this key."""
        return f"key:{self.public_id}"

    @property
    def family_key_id(self) -> int:
        """The row of the first key of its family."""
        return self.family_id or self.pk

    @staticmethod
    def use_is_due() -> Q:
        """Keys whose `last_used_at` is a minute old: it is written at most that often, whatever the traffic."""
        return Q(last_used_at=None) | Q(last_used_at__lt=db_now() - USE_NOTED_EVERY)

    def note_use(self, address: str | None = None) -> None:
        """Once, however many requests found that it is due."""
        due = ApiKey.objects.filter(ApiKey.use_is_due(), pk=self.pk)
        due.update(last_used_at=db_now(), last_used_address=address)
