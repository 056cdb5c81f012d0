"""The only writer of Wallet, LedgerEntry and KeyUsage.

Every function is one transaction, or part of the caller's. A reference names the cause; a second call with the
same reference and kind changes nothing and returns None, so that duplicates of anything are harmless. Only `hold`
raises IntegrityError then: its reference is new with the caller's row, so a second one is a bug.

Locks, in this order everywhere: the caller's row (generation or payment), entry, key usage, wallet. Only `hold`
inserts its entry before it touches the wallet: that keeps the hottest row locked for one statement. The others
state a value that depends on the wallet, so they lock it first; their entries are fenced by the caller's row.
"""

import datetime
from collections.abc import Mapping
from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.db.models import (
    BigIntegerField,
    Case,
    DateField,
    Exists,
    Expression,
    F,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Greatest, TruncDate, TruncMonth

from accounts.clock import db_now
from accounts.models import ApiKey, Organization
from accounts.statements import Change, Insert, Select, Update
from billing.errors import InsufficientCredits, PaymentOwed, SpendCapReached, TooManyOpenTasks
from billing.models import SETTLEMENTS, EntryKind, EntryNote, KeyUsage, LedgerEntry, Wallet

OPEN_TASKS_RETRY_S = 2
ACCEPT_TRIES = 3


class UnknownHold(Exception):
    """A settlement names a reference that was never held: a bug of the caller."""


def open_wallet(organization: Organization) -> None:
    Wallet.objects.create(organization=organization)


def set_open_limit(organization_id: int, limit: int | None) -> None:
    """How many tasks may be open at once; None: settings.MAX_OPEN_TASKS. Those that are open stay so."""
    Wallet.objects.filter(organization_id=organization_id).update(open_limit=limit)


# --- Adding and taking --------------------------------------------------------------------------


def top_up(
    organization_id: int, credits: int, *, net_value_micros: int, reference: str, actor: str
) -> LedgerEntry | None:
    """Adds paid credits, repaying what is owed first; the share of the value that repays is income at once.

    `net_value_micros`: what was paid, net of tax, in millionths of the shop's currency.
    """
    return _add(organization_id, EntryKind.TOP_UP, credits, net_value_micros, reference, actor, "")


def grant(
    organization_id: int, credits: int, *, reference: str, actor: str, note: str = ""
) -> LedgerEntry | None:
    """Adds given credits: welcome, voucher, goodwill, manual. They carry no value."""
    return _add(organization_id, EntryKind.GRANT, credits, 0, reference, actor, note)


@transaction.atomic
def grant_each(organization_id: int, gifts: Mapping[str, int], *, actor: str) -> list[str]:
    """Many grants under one lock: credits by reference. The references of those that were not there yet."""
    wallet = _locked(organization_id)
    found = LedgerEntry.objects.filter(reference__in=gifts, kind=EntryKind.GRANT)
    known = set(found.values_list("reference", flat=True))
    added = repaid = 0
    entries = []
    for reference, credits in gifts.items():
        _require_positive(credits)
        if reference in known:
            continue
        repays = min(credits, wallet.owed - repaid)
        added, repaid = added + credits - repays, repaid + repays
        entry = LedgerEntry(
            wallet=wallet,
            kind=EntryKind.GRANT,
            available=credits - repays,
            owed=-repays,
            available_after=wallet.available + added,
            reference=reference,
            actor=actor,
        )
        entries.append(entry)
    LedgerEntry.objects.bulk_create(entries)
    if entries:
        _change_wallet(pk=wallet.pk, available=added, owed=-repaid)
    return [entry.reference for entry in entries]


@transaction.atomic
def _add(
    organization_id: int,
    kind: EntryKind,
    credits: int,
    value_micros: int,
    reference: str,
    actor: str,
    note: str,
) -> LedgerEntry | None:
    _require_positive(credits)
    wallet = _locked(organization_id)
    if _exists(reference, (kind,)):
        return None
    repaid = min(credits, wallet.owed)
    return _book(
        wallet,
        kind,
        available=credits - repaid,
        owed=-repaid,
        value_micros=value_micros * (credits - repaid) // credits,
        reference=reference,
        actor=actor,
        note=note,
    )


@transaction.atomic
def take(
    organization_id: int, credits: int, *, reference: str, actor: str, note: str = ""
) -> LedgerEntry | None:
    """An operator removes at most what is available, with its share of the value; never makes a debt.

    None also when nothing is available.
    """
    _require_positive(credits)
    wallet = _locked(organization_id)
    taken = min(credits, wallet.available)
    if taken == 0 or _exists(reference, (EntryKind.TAKE,)):
        return None
    return _book(
        wallet,
        EntryKind.TAKE,
        available=-taken,
        value_micros=-_share(wallet, taken, credits_after=wallet.available + wallet.held - taken),
        reference=reference,
        actor=actor,
        note=note,
    )


@transaction.atomic
def claw_back(
    organization_id: int, credits: int, *, value_micros: int, reference: str, actor: str
) -> LedgerEntry | None:
    """Takes back what a refunded or disputed payment brought: available credits first, the rest becomes owed.

    `value_micros`: what that payment brought; at most what the wallet still has is removed.
    """
    _require_positive(credits)
    wallet = _locked(organization_id)
    if _exists(reference, (EntryKind.CLAW_BACK,)):
        return None
    taken = min(credits, wallet.available)
    return _book(
        wallet,
        EntryKind.CLAW_BACK,
        available=-taken,
        owed=credits - taken,
        value_micros=-min(value_micros, wallet.value_micros),
        reference=reference,
        actor=actor,
    )


# --- Holding and settling -----------------------------------------------------------------------


@transaction.atomic
def hold(organization_id: int, credits: int, *, reference: str, actor: str, key_id: int | None) -> None:
    """Promises `credits` to an open task and counts it as open.

    Raises TooManyOpenTasks, PaymentOwed, InsufficientCredits or SpendCapReached; then nothing was written.
    """
    _require_positive(credits)
    entry: LedgerEntry = _insert_hold(
        organization_id=organization_id, available=-credits, held=credits, reference=reference, actor=actor
    )
    wallet_id = entry.wallet_id
    if key_id is not None:
        try:
            open_key_task(key_id, credits)
        except SpendCapReached:
            # Of several reasons the open tasks are said first: they go away by themselves.
            _refuse_when_full(Wallet.objects.get(pk=wallet_id))
            raise
    for _attempt in range(ACCEPT_TRIES):
        if _hold_credits(wallet_id=wallet_id, credits=credits, usual_limit=settings.MAX_OPEN_TASKS):
            return
        _explain_refusal(Wallet.objects.get(pk=wallet_id), credits)
    raise InsufficientCredits(required=credits, available=0)


@Insert
def _insert_hold(organization_id: int, **fields: Any) -> LedgerEntry:
    wallet = Wallet.objects.filter(organization_id=organization_id).values("pk")
    return LedgerEntry(kind=EntryKind.HOLD, wallet_id=Subquery(wallet), **fields)


_insert_entry = Insert(LedgerEntry)
# One conditional statement: reading first and writing after would let parallel requests overdraw.
_hold_credits = Update(
    lambda wallet_id, credits, usual_limit: (
        Wallet.objects.filter(
            pk=wallet_id,
            owed=0,
            available__gte=credits,
            open_tasks__lt=Coalesce("open_limit", Value(usual_limit)),
        ),
        {
            "available": F("available") - credits,
            "held": F("held") + credits,
            "open_tasks": F("open_tasks") + 1,
        },
    )
)


def _explain_refusal(wallet: Wallet, credits: int) -> None:
    """Raises the reason; returns when it has just gone away, which is worth another try."""
    _refuse_when_full(wallet)
    if wallet.owed:
        raise PaymentOwed(required=credits, available=wallet.available, owed=wallet.owed)
    if wallet.available < credits:
        raise InsufficientCredits(required=credits, available=wallet.available)


def _refuse_when_full(wallet: Wallet) -> None:
    limit = settings.MAX_OPEN_TASKS if wallet.open_limit is None else wallet.open_limit
    if wallet.open_tasks >= limit:
        raise TooManyOpenTasks(retry_after=OPEN_TASKS_RETRY_S)


def capture(
    organization_id: int, consumed: int, *, reference: str, actor: str, key_id: int | None
) -> LedgerEntry | None:
    """Ends a hold with `consumed` credits spent, 1 to what was held; returns the rest in the same entry."""
    _require_positive(consumed)
    return _settle(organization_id, EntryKind.CAPTURE, consumed, reference, actor, key_id)


def release(organization_id: int, *, reference: str, actor: str, key_id: int | None) -> LedgerEntry | None:
    """Ends a hold with nothing consumed."""
    return _settle(organization_id, EntryKind.RELEASE, 0, reference, actor, key_id)


@transaction.atomic
def _settle(
    organization_id: int, kind: EntryKind, consumed: int, reference: str, actor: str, key_id: int | None
) -> LedgerEntry | None:
    if key_id is not None:
        _lock_key_usage(key_id)
    wallet = _locked(organization_id)
    held = _held(wallet_id=wallet.pk, reference=reference)
    if not held:
        raise UnknownHold(reference)
    [(held_credits, held_on, is_settled)] = held
    if consumed > held_credits:
        raise ValueError(f"{reference}: {consumed} consumed of {held_credits} held")
    if is_settled:
        return None
    returned = held_credits - consumed
    repaid = min(returned, wallet.owed)
    if key_id is not None:
        close_key_task(key_id, returned, accepted_on=held_on)
    credits_after = wallet.available + wallet.held - consumed - repaid
    return _book(
        wallet,
        kind,
        available=returned - repaid,
        held=-held_credits,
        owed=-repaid,
        value_micros=-_share(wallet, consumed, credits_after=credits_after) if consumed else 0,
        open_tasks=-1,
        reference=reference,
        actor=actor,
    )


@Select
def _held(wallet_id: int, reference: str) -> QuerySet[LedgerEntry, Any]:
    """Credits held, the day (UTC) they were, and whether that was settled: read once the wallet is locked."""
    entries = LedgerEntry.objects.filter(wallet_id=wallet_id, reference=reference)
    settlements = LedgerEntry.objects.filter(reference=reference, kind__in=SETTLEMENTS)
    holds = entries.filter(kind=EntryKind.HOLD).annotate(day=TruncDate("created_at", tzinfo=datetime.UTC))
    return holds.values_list("held", "day", Exists(settlements))


# --- What a key has open and has spent ----------------------------------------------------------


def first_of_family(key_id: int) -> QuerySet[ApiKey, Any]:
    """As a subquery: by which key the usage of this one is kept. It never changes, so it needs no lock."""
    first = Coalesce("family_id", "id", output_field=BigIntegerField())
    return ApiKey.objects.filter(pk=key_id).values_list(first)


def _usage_of(key_id: int) -> QuerySet[KeyUsage]:
    return KeyUsage.objects.filter(key_id=Subquery(first_of_family(key_id)))


def set_key_limits(key_id: int, **limits: int | None) -> None:
    """`open_limit`, `day_cap`, `month_cap`, `lifetime_cap`: None for none. They count from the next order on, for all
    keys that were rotated into one another; what is open or spent already stays so.
    """
    if not _usage_of(key_id).update(**limits) and any(limit is not None for limit in limits.values()):
        _open_usage(key_id)
        _usage_of(key_id).update(**limits)


def _open_usage(key_id: int) -> None:
    KeyUsage.objects.get_or_create(key_id=first_of_family(key_id).get()[0])


def open_key_task(key_id: int, credits: int, *, default_limit: int | None = None) -> None:
    """Counts one more open task of this key and what it may cost, within its limit and caps.

    `default_limit` is for tasks that hold nothing (test keys), which no wallet counts.
    Raises TooManyOpenTasks or SpendCapReached.
    """
    asked = {"key_id": key_id, "credits": credits, "default_limit": default_limit}
    if _count_key_task(**asked):
        return
    _open_usage(key_id)
    if _count_key_task(**asked):
        return
    usage = _usage_of(key_id).annotate(spent_today=spent_today(), spent_this_month=spent_this_month()).get()
    limit = default_limit if usage.open_limit is None else usage.open_limit
    if limit is not None and usage.open_tasks >= limit:
        raise TooManyOpenTasks(limit_source="key", retry_after=OPEN_TASKS_RETRY_S)
    spent = (
        (usage.day_cap, usage.spent_today),
        (usage.month_cap, usage.spent_this_month),
        (usage.lifetime_cap, usage.lifetime_credits),
    )
    left = min((cap - amount for cap, amount in spent if cap is not None), default=0)
    raise SpendCapReached(required=credits, available=max(0, left))


@Update
def _count_key_task(key_id: int, credits: int, default_limit: int | None) -> Change:
    in_day, in_month = spent_today(), spent_this_month()
    unlimited = Q(open_limit=None)
    if default_limit is not None:
        unlimited &= Q(open_tasks__lt=default_limit)
    usage = _usage_of(key_id).filter(unlimited | Q(open_tasks__lt=F("open_limit")))
    within_caps = (
        usage.filter(Q(day_cap=None) | Q(day_cap__gte=in_day + credits))
        .filter(Q(month_cap=None) | Q(month_cap__gte=in_month + credits))
        .filter(Q(lifetime_cap=None) | Q(lifetime_cap__gte=F("lifetime_credits") + credits))
    )
    return within_caps, {
        "open_tasks": F("open_tasks") + 1,
        "day": _today(),
        "day_credits": in_day + credits,
        "month": _this_month(),
        "month_credits": in_month + credits,
        "lifetime_credits": F("lifetime_credits") + credits,
    }


def close_key_task(key_id: int, returned: int, *, accepted_on: datetime.date) -> None:
    """One open task less; what was returned no longer counts in the period in which it was accepted."""
    _uncount_key_task(key_id=key_id, returned=returned, day=accepted_on, month=accepted_on.replace(day=1))


@Update
def _uncount_key_task(key_id: int, returned: int, day: datetime.date, month: datetime.date) -> Change:
    return _usage_of(key_id), {
        "open_tasks": F("open_tasks") - 1,
        "day_credits": _less("day_credits", returned, only_if=Q(day=day)),
        "month_credits": _less("month_credits", returned, only_if=Q(month=month)),
        "lifetime_credits": F("lifetime_credits") - returned,
    }


def _lock_key_usage(key_id: int) -> None:
    # Before the wallet, as everywhere: the opposite order would deadlock with an accept of the same key.
    _locked_usage(key_id=key_id)


_locked_usage = Select(lambda key_id: _usage_of(key_id).select_for_update(no_key=True).values_list("pk"))


def _less(column: str, returned: int, *, only_if: Q) -> Case:
    # Never below 0: a database clock that was set back must not stop a settlement.
    rest = Greatest(F(column) - returned, Value(0), output_field=BigIntegerField())
    return Case(When(only_if, then=rest), default=F(column))


def _today() -> Expression:
    return TruncDate(db_now(), tzinfo=datetime.UTC)


def _this_month() -> Expression:
    return TruncMonth(db_now(), output_field=DateField(), tzinfo=datetime.UTC)


def spent_today() -> Case:
    """Of a KeyUsage, in the present day of the database."""
    return _in_period("day", _today(), "day_credits")


def spent_this_month() -> Case:
    return _in_period("month", _this_month(), "month_credits")


def _in_period(column: str, period: Expression, amount: str) -> Case:
    """`amount` if it is of the present period, else 0: a new period starts without a job."""
    return Case(When(**{column: period}, then=F(amount)), default=Value(0), output_field=BigIntegerField())


# --- Shared -------------------------------------------------------------------------------------


def _require_positive(credits: int) -> None:
    if credits < 1:
        raise ValueError(f"credits must be at least 1, not {credits}")


def _locked(organization_id: int) -> Wallet:
    # no_key: a plain FOR UPDATE waits for accepts that inserted an entry (they share the wallet's key), while
    # they queue behind it for the row: a deadlock.
    [wallet] = _locked_wallets(organization_id=organization_id)
    return cast(Wallet, wallet)


_locked_wallets = Select(Wallet.objects.select_for_update(no_key=True).filter)


def _exists(reference: str, kinds: tuple[EntryKind, ...]) -> bool:
    return LedgerEntry.objects.filter(reference=reference, kind__in=kinds).exists()


def _share(wallet: Wallet, credits: int, *, credits_after: int) -> int:
    """The value that leaves with `credits`, rounded down; the last credit takes all that is left."""
    if credits_after == 0:
        return wallet.value_micros
    return wallet.value_micros * credits // (wallet.available + wallet.held)


def _book(
    wallet: Wallet,
    kind: EntryKind,
    *,
    reference: str,
    actor: str,
    available: int = 0,
    held: int = 0,
    owed: int = 0,
    value_micros: int = 0,
    open_tasks: int = 0,
    note: str = "",
) -> LedgerEntry:
    """Inserts the entry and changes the locked wallet by the same amounts."""
    amounts = {"available": available, "held": held, "owed": owed, "value_micros": value_micros}
    entry: LedgerEntry = _insert_entry(
        wallet_id=wallet.pk,
        kind=str(kind),
        available_after=wallet.available + available,
        reference=reference,
        actor=actor,
        **amounts,
    )
    if note:
        EntryNote.objects.create(entry=entry, text=note[:500])
    _change_wallet(pk=wallet.pk, open_tasks=open_tasks, **amounts)
    return entry


_change_wallet = Update(
    lambda pk, **amounts: (
        Wallet.objects.filter(pk=pk),
        {column: F(column) + amount for column, amount in amounts.items()},
    )
)
