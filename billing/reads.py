"""Balances for pages and APIs above. Reads only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models.functions import Abs

from accounts.models import ApiKey, Shop
from billing.ledger import spent_this_month, spent_today
from billing.models import KeyUsage, LedgerEntry, Payment, Wallet


@dataclass(frozen=True, slots=True)
class Balance:
    """In credits."""

    available: int
    held: int
    owed: int


def balance(organization_id: int) -> Balance:
    wallet = Wallet.objects.only("available", "held", "owed").get(organization_id=organization_id)
    return Balance(wallet.available, wallet.held, wallet.owed)


def open_limit(organization_id: int) -> int:
    """How many of its tasks may be open at once."""
    own = Wallet.objects.values_list("open_limit", flat=True).get(organization_id=organization_id)
    return settings.MAX_OPEN_TASKS if own is None else own


@dataclass(frozen=True, slots=True)
class KeySpending:
    """Of a key, with those it was rotated from and to; credits. Periods are the present day and month (UTC)."""

    open_tasks: int = 0
    open_limit: int | None = None
    day: int = 0
    day_cap: int | None = None
    month: int = 0
    month_cap: int | None = None
    lifetime: int = 0
    lifetime_cap: int | None = None


def key_spending(keys: Iterable[ApiKey]) -> dict[int, KeySpending]:
    """By the id of each key. One query."""
    families = {key.pk: key.family_key_id for key in keys}
    rows = KeyUsage.objects.filter(key_id__in=set(families.values()))
    found = {
        row.key_id: KeySpending(
            open_tasks=row.open_tasks,
            open_limit=row.open_limit,
            day=row.today,
            day_cap=row.day_cap,
            month=row.this_month,
            month_cap=row.month_cap,
            lifetime=row.lifetime_credits,
            lifetime_cap=row.lifetime_cap,
        )
        for row in rows.annotate(today=spent_today(), this_month=spent_this_month())
    }
    return {key_id: found.get(family, KeySpending()) for key_id, family in families.items()}


def has_bought(organization_id: int) -> bool:
    """Whether it ever paid, whatever became of that."""
    return Payment.objects.filter(organization_id=organization_id, paid_at__isnull=False).exists()


def has_payments(shop: Shop) -> bool:
    return Payment.objects.filter(shop=shop).exists()


@dataclass(frozen=True, slots=True)
class Statement:
    """Some of a wallet's entries, newest first. `next_before` fetches those that follow; None at the end."""

    entries: Sequence[LedgerEntry]
    next_before: int | None


def statement(organization_id: int, *, before: int | None = None, limit: int = 25) -> Statement:
    """At most `limit` entries that are older than the entry `before`, else the newest."""
    # Not by a join, whose rows PostgreSQL would sort all.
    wallet_id = Wallet.objects.filter(organization_id=organization_id).values("pk")[:1]
    number = Abs("id")
    entries = LedgerEntry.objects.alias(number=number).filter(wallet_id=wallet_id).order_by("-number")
    if before is not None:
        entries = entries.filter(number__lt=before)
    found = list(entries[: limit + 1])
    return Statement(found[:limit], found[limit - 1].pk if len(found) > limit else None)
