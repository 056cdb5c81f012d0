"""Balances for pages and APIs above. Reads only."""

from dataclasses import dataclass

from django.conf import settings

from billing.models import LedgerEntry, Wallet


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
class Statement:
    """Some of a wallet's entries, newest first. `next_before` fetches those that follow; None at the end."""

    entries: list[LedgerEntry]
    next_before: int | None


def statement(organization_id: int, *, before: int | None = None, limit: int = 25) -> Statement:
    """At most `limit` entries that are older than the entry `before`, else the newest."""
    entries = LedgerEntry.objects.filter(wallet__organization_id=organization_id).order_by("-pk")
    if before is not None:
        entries = entries.filter(pk__lt=before)
    found = list(entries[: limit + 1])
    return Statement(found[:limit], found[limit - 1].pk if len(found) > limit else None)
