"""Money as rows: a wallet per organization, the entries it is the sum of, and what each key has spent.

Only ledger.py writes these tables, and proofs.py what is proven of them. Credits are whole numbers; values are
millionths of the shop's currency.
"""

import functools
import operator

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Abs
from django.utils.translation import gettext_lazy as _

from accounts.clock import db_now
from accounts.models import ApiKey, Organization


class Wallet(models.Model):
    """`available` can be spent, `held` is promised to open generations, `owed` is left by refunds and disputes.

    `value_micros`: what the remaining credits were paid with, net of tax. `open_limit` None: the setting.
    """

    organization = models.OneToOneField(Organization, on_delete=models.PROTECT, related_name="wallet")
    available = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    owed = models.BigIntegerField(default=0)
    value_micros = models.BigIntegerField(default=0)
    open_tasks = models.IntegerField(default=0)
    open_limit = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(available__gte=0), name="wallet_available_not_negative"),
            models.CheckConstraint(condition=Q(held__gte=0), name="wallet_held_not_negative"),
            models.CheckConstraint(condition=Q(owed__gte=0), name="wallet_owed_not_negative"),
            models.CheckConstraint(condition=Q(owed=0) | Q(available=0), name="wallet_owes_only_when_empty"),
            models.CheckConstraint(condition=Q(value_micros__gte=0), name="wallet_value_not_negative"),
            models.CheckConstraint(condition=Q(open_tasks__gte=0), name="wallet_open_tasks_not_negative"),
        ]
        permissions = [
            ("grant_credits", _("Can give credits")),
            ("take_credits", _("Can take credits")),
        ]

    def __str__(self) -> str:
        return f"{self.available} + {self.held} held"


class EntryKind(models.TextChoices):
    TOP_UP = "top_up"
    GRANT = "grant"
    TAKE = "take"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    CLAW_BACK = "claw_back"


SETTLEMENTS = (EntryKind.CAPTURE, EntryKind.RELEASE)

_ADDS = Q(available__gte=0, held=0, owed__lte=0) & Q(available__gte=F("owed") + 1)
SIGNS: dict[str, Q] = {
    EntryKind.TOP_UP: _ADDS & Q(value_micros__gte=0),
    EntryKind.GRANT: _ADDS & Q(value_micros=0),
    EntryKind.TAKE: Q(available__lt=0, held=0, owed=0, value_micros__lte=0),
    EntryKind.HOLD: Q(held__gt=0, owed=0, value_micros=0) & Q(available=-F("held")),
    EntryKind.CAPTURE: Q(held__lt=0, available__gte=0, owed__lte=0, value_micros__lte=0)
    & Q(available__lt=F("owed") - F("held")),
    EntryKind.RELEASE: Q(held__lt=0, available__gte=0, owed__lte=0, value_micros=0)
    & Q(available=F("owed") - F("held")),
    EntryKind.CLAW_BACK: Q(available__lte=0, held=0, owed__gte=0, value_micros__lte=0)
    & Q(owed__gte=F("available") + 1),
}


ENTRY_SIGNS = functools.reduce(operator.or_, (Q(kind=kind) & signs for kind, signs in SIGNS.items()))


class LedgerEntry(models.Model):
    """Append-only. The four amounts are signed changes of the wallet; `reference` names the cause as text, so
    that money knows nothing of what is sold. `actor` is `user:<uuid>`, `key:<id>`, `staff:<uuid>` or `system`.
    `available_after`: what the wallet then had. Not known to a hold, which is written before its wallet is locked.
    """

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="entries", db_index=False)
    kind = models.CharField(max_length=9, choices=EntryKind)
    available = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    owed = models.BigIntegerField(default=0)
    value_micros = models.BigIntegerField(default=0)
    available_after = models.BigIntegerField(null=True)
    reference = models.CharField(max_length=120)
    actor = models.CharField(max_length=60)
    created_at = models.DateTimeField(db_default=db_now())

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        constraints = [
            models.UniqueConstraint(fields=["reference", "kind"], name="one_entry_per_reference_and_kind"),
            models.UniqueConstraint(
                fields=["reference"], condition=Q(kind__in=SETTLEMENTS), name="one_settlement_per_reference"
            ),
            models.CheckConstraint(condition=ENTRY_SIGNS, name="entry_signs_fit_kind"),
            models.CheckConstraint(
                condition=~Q(reference="") & ~Q(actor=""), name="entry_names_cause_and_actor"
            ),
        ]
        indexes = [
            # Abs keeps PostgreSQL from walking the primary key back, through everybody's entries, for a wallet
            # that has many and none of late: statements are sorted by it.
            models.Index("wallet", Abs("id"), name="entry_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class EntryNote(models.Model):
    """Free text beside an entry, erasable: entries themselves hold ids alone."""

    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="note")
    text = models.CharField(max_length=500)

    def __str__(self) -> str:
        return self.text


class KeyUsage(models.Model):
    """What a key has open and has spent, against its caps. Amounts count in the period of acceptance (UTC);
    `day` and `month` say which period the sums are of, so that a new one starts from 0 without a job.

    Keys that were rotated into one another share the row of the first: neither the new one nor both at once get more.
    """

    key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, related_name="usage")
    open_tasks = models.IntegerField(default=0)
    open_limit = models.PositiveIntegerField(null=True, blank=True)
    day = models.DateField(null=True)
    day_credits = models.BigIntegerField(default=0)
    day_cap = models.PositiveBigIntegerField(null=True, blank=True)
    month = models.DateField(null=True)
    month_credits = models.BigIntegerField(default=0)
    month_cap = models.PositiveBigIntegerField(null=True, blank=True)
    lifetime_credits = models.BigIntegerField(default=0)
    lifetime_cap = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    open_tasks__gte=0, day_credits__gte=0, month_credits__gte=0, lifetime_credits__gte=0
                ),
                name="key_usage_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lifetime_credits} credits"


class LedgerProof(models.Model):
    """The books were found right up to these `marks`, the highest ids that are proven (proofs.py)."""

    marks = models.JSONField()
    rules_digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=db_now())

    def __str__(self) -> str:
        return f"{self.marks}"


class BooksCheck(models.Model):
    """What the last check of the books found (books.py): one row, whose number is 1.

    `begun_at`: when somebody took to it; `findings`: the rows that disagree as {"rule", "row"}, the first of `count`.
    `problems`: the names of what is wrong, the same since `changed_at`. `events_waiting` counts
    events of Stripe that nobody has processed, `oldest_event_at` is when the first of them came.
    """

    begun_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    full_at = models.DateTimeField(null=True)
    took_ms = models.PositiveIntegerField(default=0)
    count = models.PositiveIntegerField(default=0)
    findings = models.JSONField(default=list)
    problems = models.JSONField(default=list)
    changed_at = models.DateTimeField(null=True)
    events_waiting = models.PositiveIntegerField(default=0)
    oldest_event_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("check of the books")
        verbose_name_plural = _("checks of the books")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="books_have_one_check")]

    def __str__(self) -> str:
        return f"{self.checked_at}: {self.count}"


class ProvenSum(models.Model):
    """The sums of the entries up to the proof's mark that belong to one wallet or key."""

    proof = models.ForeignKey(LedgerProof, on_delete=models.CASCADE, related_name="sums", db_index=False)
    grouping = models.CharField(max_length=20)
    subject_id = models.BigIntegerField()
    available = models.BigIntegerField()
    held = models.BigIntegerField()
    owed = models.BigIntegerField()
    value_micros = models.BigIntegerField()
    open_holds = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["proof", "grouping", "subject_id"], name="one_proven_sum_per_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.grouping} {self.subject_id}"
