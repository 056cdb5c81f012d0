"""Whom we are to Stripe, and whom Stripe's customers are to us."""

import secrets

from django.db import models
from django.db.models import Q

from accounts.clock import db_now
from accounts.models import Organization, Shop


def new_nonce() -> str:
    return secrets.token_hex(8)


class StripeAccount(models.Model):
    """An account at Stripe that a shop was paid on, in one mode. `events_until`: how far its events were fetched;
    `refusals`: how often in a row Stripe refused to list them, counted up to where operators are told.

    `nonce` is part of idempotency keys that have no random id in them: another installation, or this one restored
    from a backup, has the same numbers.

    What Stripe is asked with is sealed here, of at most one account of a shop; the first shop's is in the settings, and
    a till of a demo needs none (stripe_gateway/credentials.py). `sealed_webhook_secrets`: one to three, separated by
    commas. `key_digest` keeps two shops from having one key. `tax` and `promotion_codes`: as the settings of these
    names are for the first shop.
    """

    nonce = models.CharField(max_length=16, default=new_nonce, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="stripe_accounts")
    livemode = models.BooleanField()
    events_until = models.DateTimeField(null=True)
    refusals = models.PositiveSmallIntegerField(default=0, db_default=0)
    refused_at = models.DateTimeField(null=True)
    sealed_key = models.TextField(blank=True, default="", db_default="", editable=False)
    sealed_webhook_secrets = models.TextField(blank=True, default="", db_default="", editable=False)
    key_digest = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 - unique
    tax = models.BooleanField(default=False, db_default=False)
    promotion_codes = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "livemode"], name="one_stripe_account_per_mode"),
            models.UniqueConstraint(
                fields=["shop"], condition=~Q(sealed_key=""), name="one_stripe_key_per_shop"
            ),
            models.CheckConstraint(
                condition=Q(sealed_key="", sealed_webhook_secrets="", key_digest=None)
                | (~Q(sealed_key="") & ~Q(sealed_webhook_secrets="") & Q(key_digest__isnull=False)),
                name="stripe_credentials_are_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shop} {'live' if self.livemode else 'test'}"


class StripeCustomer(models.Model):
    """What Stripe calls an organization."""

    account = models.ForeignKey(StripeAccount, on_delete=models.PROTECT, related_name="customers")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="stripe_customers")
    customer_id = models.CharField(max_length=255)
    # Part of the idempotency key: a customer that was deleted at Stripe is replaced by another.
    number = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "organization"], name="one_stripe_customer"),
            models.UniqueConstraint(fields=["account", "customer_id"], name="stripe_customer_is_one_of_ours"),
        ]

    def __str__(self) -> str:
        return self.customer_id
