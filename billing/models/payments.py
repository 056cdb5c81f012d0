"""Purchases, and what Stripe says of them. Amounts are in the currency's smallest unit (`_minor`)."""

import secrets

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models import Organization, Shop
from billing.currencies import shown
from billing.models.packs import CreditPack
from billing.models.stripe import StripeAccount


class PaymentKind(models.TextChoices):
    CHECKOUT = "checkout", _("Bought")
    AUTOMATIC = "automatic", _("Automatic top-up")


class PaymentStatus(models.TextChoices):
    OPEN = "open", _("Not paid yet")
    PROCESSING = "processing", _("On its way")
    PAID = "paid", _("Paid")
    FAILED = "failed", _("Failed")
    EXPIRED = "expired", _("Given up")
    SETTLED = "settled", _("Settled by hand")


UNDECIDED = (PaymentStatus.OPEN, PaymentStatus.PROCESSING)


def new_payment_id() -> str:
    return f"pay_{secrets.token_hex(12)}"


class Payment(models.Model):
    """One purchase: what was agreed, what Stripe says of it, and what of it is in the wallet.

    `credits`, `amount_minor` and `currency` are the agreement and never change. `credited` and `value_micros` are
    what its entries have put into the wallet so far. `sync_no` counts the looks at Stripe, `applied_no` says which
    of them was applied last. `sync_due_at`: somebody has to look again from then on. `problem`: why it does not agree
    with Stripe; whatever was credited until then stays, until it agrees again or an operator settles it.
    """

    public_id = models.CharField(max_length=28, unique=True, default=new_payment_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="payments")
    account = models.ForeignKey(StripeAccount, on_delete=models.PROTECT, related_name="payments")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="payments")
    pack = models.ForeignKey(CreditPack, null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=9, choices=PaymentKind)
    livemode = models.BooleanField()
    actor = models.CharField(max_length=60)
    credits = models.PositiveBigIntegerField()
    amount_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    created_at = models.DateTimeField(db_default=db_now())

    session_id = models.CharField(max_length=255, null=True)  # noqa: DJ001 - unique
    payment_intent_id = models.CharField(max_length=255, null=True)  # noqa: DJ001 - unique
    status = models.CharField(max_length=10, choices=PaymentStatus, default=PaymentStatus.OPEN)
    charged_minor = models.PositiveBigIntegerField(default=0)
    tax_minor = models.PositiveBigIntegerField(default=0)
    discount_minor = models.PositiveBigIntegerField(default=0)
    refunded_minor = models.PositiveBigIntegerField(default=0)
    disputed_minor = models.PositiveBigIntegerField(default=0)
    card = models.CharField(max_length=40, blank=True)
    problem = models.CharField(max_length=200, blank=True)
    # Of an automatic top-up: the version of its rule, the saved card it charges, and why that did not go through.
    rule_version = models.PositiveIntegerField(null=True)
    payment_method_id = models.CharField(max_length=255, blank=True)
    failure = models.CharField(max_length=60, blank=True)
    paid_at = models.DateTimeField(null=True)
    fraud_warned_at = models.DateTimeField(null=True)

    credited = models.PositiveBigIntegerField(default=0)
    value_micros = models.PositiveBigIntegerField(default=0)
    sync_no = models.PositiveIntegerField(default=0)
    applied_no = models.PositiveIntegerField(default=0)
    sync_due_at = models.DateTimeField(null=True)
    sync_tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(credits__gte=1, amount_minor__gte=1), name="payment_buys_something"
            ),
            models.CheckConstraint(
                condition=Q(credited__lte=F("credits")), name="payment_credits_no_more_than_bought"
            ),
            models.CheckConstraint(
                condition=Q(applied_no__lte=F("sync_no")), name="payment_applies_what_was_read"
            ),
            models.CheckConstraint(
                condition=Q(status__in=PaymentStatus.values) & Q(kind__in=PaymentKind.values),
                name="payment_words_are_known",
            ),
            models.CheckConstraint(
                condition=~Q(status=PaymentStatus.SETTLED) | Q(problem=""),
                name="payment_settled_has_no_problem",
            ),
            # What Stripe calls things of another account says nothing of these. Searches know the id alone.
            models.UniqueConstraint(
                fields=["session_id", "account"],
                condition=Q(session_id__isnull=False),
                name="one_payment_per_session",
            ),
            models.UniqueConstraint(
                fields=["payment_intent_id", "account"],
                condition=Q(payment_intent_id__isnull=False),
                name="one_payment_per_intent",
            ),
            # One automatic top-up at a time.
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(kind=PaymentKind.AUTOMATIC, status__in=UNDECIDED),
                name="one_automatic_top_up_at_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["sync_due_at"], condition=Q(sync_due_at__isnull=False), name="payment_sync_due"
            ),
            models.Index(fields=["organization", "-id"], name="payment_newest_first"),
            models.Index(fields=["id"], condition=~Q(problem=""), name="payment_problem"),
            models.Index(
                fields=["fraud_warned_at"],
                condition=Q(fraud_warned_at__isnull=False),
                name="payment_fraud_warned",
            ),
            models.Index(
                fields=["account", "id"], condition=Q(status__in=UNDECIDED), name="payment_undecided"
            ),
        ]
        permissions = [("refund_payment", _("Can give money back"))]

    def __str__(self) -> str:
        return self.public_id

    @property
    def price(self) -> str:
        return shown(self.amount_minor, self.currency)

    @property
    def charged(self) -> str:
        return shown(self.charged_minor, self.currency)

    @property
    def refunded(self) -> str:
        return shown(self.refunded_minor, self.currency)

    @property
    def disputed(self) -> str:
        return shown(self.disputed_minor, self.currency)

    @property
    def standing(self) -> list[str]:
        """In words, such as "Paid", "$5.00 given back", "$15.00 disputed"."""
        words = [str(PaymentStatus(self.status).label)]
        if self.refunded_minor:
            words.append(gettext("%(amount)s given back") % {"amount": self.refunded})
        if self.disputed_minor:
            words.append(gettext("%(amount)s disputed") % {"amount": self.disputed})
        return words

    @property
    def refundable_minor(self) -> int:
        if self.status != PaymentStatus.PAID:
            return 0
        return max(0, self.charged_minor - self.refunded_minor - self.disputed_minor)


class PaymentStep(models.Model):
    """One change of what a payment has in the wallet: exactly one ledger entry belongs to it, by `reference`.

    `credits` and `value_micros` are signed and what the payment asked for; the entry says what the wallet made of it.
    """

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="steps")
    number = models.PositiveIntegerField()
    reference = models.CharField(max_length=120, unique=True)
    credits = models.BigIntegerField()
    value_micros = models.BigIntegerField()
    charged_minor = models.PositiveBigIntegerField()
    refunded_minor = models.PositiveBigIntegerField()
    disputed_minor = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payment", "number"], name="one_payment_step_per_number"),
            models.CheckConstraint(condition=~Q(credits=0), name="payment_step_changes_something"),
        ]

    def __str__(self) -> str:
        return self.reference


class HandSettlement(models.Model):
    """An operator ended a payment that did not agree with Stripe: its `problem`, and what was done about it."""

    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="hand_settlement")
    problem = models.CharField(max_length=200)
    reason = models.CharField(max_length=500)
    actor = models.CharField(max_length=60)
    created_at = models.DateTimeField(db_default=db_now())

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M:%S} · {self.actor} · {self.problem} · {self.reason}"


class Refund(models.Model):
    """Money that an operator gives back; asked of Stripe under this row's id until it answers.

    `refusal`: why nothing was given back, at once or, when a bank sends it back, days later.
    """

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = models.PositiveBigIntegerField()
    actor = models.CharField(max_length=60)
    reason = models.CharField(max_length=500, blank=True)
    refund_id = models.CharField(max_length=255, null=True)  # noqa: DJ001 - unique
    refusal = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=db_now())
    due_at = models.DateTimeField(null=True, db_default=db_now())
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gte=1), name="refund_is_something"),
            models.UniqueConstraint(
                fields=["refund_id", "payment"],
                condition=Q(refund_id__isnull=False),
                name="one_refund_per_refund_id",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="refund_due")]

    def __str__(self) -> str:
        return shown(self.amount_minor, self.payment.currency)

    @property
    def key(self) -> str:
        """What Stripe knows it by: the idempotency key, and in the metadata of its refund."""
        return f"refund:{self.payment.public_id}:{self.pk}"
