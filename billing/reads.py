"""Balances for pages and APIs above. Reads only."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Expression, Subquery, Sum
from django.db.models.expressions import Combinable
from django.db.models.functions import Abs, TruncDate
from django.utils.translation import gettext_lazy

from accounts import newest_first
from accounts.models import ApiKey, Shop
from accounts.newest_first import Wanted
from billing.errors import InsufficientCredits, PaymentOwed, SpendCapReached
from billing.ledger import spent_this_month, spent_today
from billing.models import (
    SETTLEMENTS,
    EntryKind,
    KeyUsage,
    LedgerEntry,
    Payment,
    PaymentStep,
    Voucher,
    Wallet,
)

# Entries that are looked at for one that states a balance: usually the first.
PORTION, MOST_BETWEEN = 20, 2_000
KIND_WORDS: dict[str, Any] = {
    EntryKind.TOP_UP: gettext_lazy("Bought"),
    EntryKind.GRANT: gettext_lazy("Given"),
    EntryKind.TAKE: gettext_lazy("Removed by the operator"),
    EntryKind.HOLD: gettext_lazy("Held"),
    EntryKind.CAPTURE: gettext_lazy("Spent"),
    EntryKind.RELEASE: gettext_lazy("Returned"),
    EntryKind.CLAW_BACK: gettext_lazy("Taken back after a refund or dispute"),
}


@dataclass(frozen=True, slots=True)
class Balance:
    """In credits."""

    available: int
    held: int
    owed: int


def balance(organization_id: int) -> Balance:
    wallet = Wallet.objects.only("available", "held", "owed").get(organization_id=organization_id)
    return Balance(wallet.available, wallet.held, wallet.owed)


def added(organization_id: int, credits: int, *, kind: str, reference: str) -> dict[str, Any]:
    """What webhooks tell of credits that were added. `kind`: purchase, voucher, welcome or grant."""
    now = balance(organization_id)
    return {
        "credits": credits,
        "kind": kind,
        "reference": reference,
        "balance": {"available": now.available, "held": now.held, "owed": now.owed},
    }


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


@dataclass(frozen=True, slots=True)
class Holding:
    """What was held for one cause, and how that was settled, if it was; credits. Balances are None where unknown."""

    held: int
    held_at: datetime.datetime
    available_before: int | None
    settled_by: str | None = None
    settled_at: datetime.datetime | None = None
    returned: int = 0
    available_after: int | None = None


def holding(reference: str) -> Holding | None:
    entries = {entry.kind: entry for entry in LedgerEntry.objects.filter(reference=reference)}
    hold = entries.get(EntryKind.HOLD)
    if hold is None:
        return None
    before = _available_before(hold)
    settlement = next((entries[kind] for kind in SETTLEMENTS if kind in entries), None)
    if settlement is None:
        return Holding(hold.held, hold.created_at, before)
    return Holding(
        hold.held,
        hold.created_at,
        before,
        settled_by=settlement.kind,
        settled_at=settlement.created_at,
        returned=settlement.available - settlement.owed,
        available_after=settlement.available_after,
    )


def sold_by_day(since: datetime.datetime, shop_id: int | None = None) -> dict[str, dict[datetime.date, int]]:
    """What payments of a shop, or of all, brought: by currency and day (UTC), net of tax and of what was given back, in
    millionths of the currency.
    """
    rows = PaymentStep.objects.all()
    first = newest_first.bracket(rows, since - newest_first.SLACK, by=newest_first.OF_ALL)[0]
    young = rows.filter(pk__gte=first, created_at__gte=since).order_by()
    if shop_id is not None:
        young = young.filter(payment__shop=shop_id)
    by_day = young.annotate(day=TruncDate("created_at", tzinfo=datetime.UTC))
    found: dict[str, dict[datetime.date, int]] = {}
    for currency, day, micros in by_day.values_list("payment__shop__currency", "day").annotate(
        micros=Sum("value_micros")
    ):
        found.setdefault(currency, {})[day] = micros
    return found


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it stands, for operators; credits and millionths of the shop's currency."""

    pk: int
    kind: str
    available: int
    held: int
    owed: int
    value_micros: int
    actor: str
    created_at: datetime.datetime

    @property
    def words(self) -> str:
        return str(KIND_WORDS[self.kind])


def entries_of(reference: str) -> list[Entry]:
    """All of one cause, oldest first."""
    rows = LedgerEntry.objects.filter(reference=reference).order_by("created_at", "pk")
    names = ("pk", "kind", "available", "held", "owed", "value_micros", "actor", "created_at")
    return [Entry(*row) for row in rows.values_list(*names)]


def _available_before(hold: LedgerEntry) -> int | None:
    """By the last entry that states a balance, and what was held since: at most as many as tasks may be open."""
    earlier = LedgerEntry.objects.alias(number=Abs("id")).order_by("-number")
    earlier = earlier.filter(wallet_id=hold.wallet_id, number__lt=hold.pk)
    changes = 0
    rows = earlier.values_list("available", "available_after")
    for portion in (rows[:PORTION], rows[PORTION:MOST_BETWEEN]):
        for available, available_after in portion:
            if available_after is not None:
                # Holds are numbered before they wait for the wallet, so one may come before what it waited for.
                return max(0, available_after + changes)
            changes += available
    return None


def income_of(reference: Expression) -> Combinable:
    """For annotations: what the capture of this reference took from its wallet, in millionths; null without one."""
    captures = LedgerEntry.objects.filter(reference=reference, kind=EntryKind.CAPTURE)
    return -Subquery(captures.values("value_micros"))


def worth_of(organization_id: int, credits: int) -> int:
    """What so many of its credits were paid with, in millionths, rounded up; 0 where it has none, or gifts alone."""
    wallet = Wallet.objects.get(organization_id=organization_id)
    count = wallet.available + wallet.held
    return -(-wallet.value_micros * credits // count) if count else 0


def refusal_of(organization_id: int, key: ApiKey, credits: int) -> str:
    """The word of the error that an order of so many credits by this key would meet now; "" for none. Open tasks are
    not looked at: those end.
    """
    wallet = Wallet.objects.get(organization_id=organization_id)
    if wallet.owed:
        return PaymentOwed.type
    if wallet.available < credits:
        return InsufficientCredits.type
    spent = key_spending([key])[key.pk]
    caps = (
        (spent.day_cap, spent.day),
        (spent.month_cap, spent.month),
        (spent.lifetime_cap, spent.lifetime),
    )
    is_capped = any(cap is not None and amount + credits > cap for cap, amount in caps)
    return SpendCapReached.type if is_capped else ""


def has_bought(organization_id: int) -> bool:
    """Whether it ever paid, whatever became of that."""
    return Payment.objects.filter(organization_id=organization_id, paid_at__isnull=False).exists()


def has_money(shop: Shop) -> bool:
    """Whether anything of the shop's is written down in its currency: purchases, values of credits, or vouchers that
    somebody has used, whose credits were given at a price.
    """
    return (
        Payment.objects.filter(shop=shop).exists()
        or Wallet.objects.filter(organization__shop=shop, value_micros__gt=0).exists()
        or Voucher.objects.filter(shop=shop, redeemed__gt=0).exists()
    )


@dataclass(frozen=True, slots=True)
class Statement:
    """Some of a wallet's entries, newest first. `next_before` fetches those that follow; None at the end."""

    entries: Sequence[LedgerEntry]
    next_before: int | None


def entries(
    organization_id: int, *, limit: int, position: int | None, wanted: Wanted
) -> newest_first.Page[LedgerEntry]:
    """A wallet's entries, newest first."""
    wallet_id = Wallet.objects.values_list("pk", flat=True).get(organization_id=organization_id)
    rows = LedgerEntry.objects.filter(wallet_id=wallet_id)
    return newest_first.page(rows, limit=limit, position=position, wanted=wanted)


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
