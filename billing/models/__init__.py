"""Money as rows."""

from billing.models.gifts import (
    BalanceNotice,
    Redemption,
    Voucher,
    Welcome,
    WelcomeCount,
)
from billing.models.ledger import (
    ENTRY_SIGNS,
    SETTLEMENTS,
    SIGNS,
    EntryKind,
    EntryNote,
    KeyUsage,
    LedgerEntry,
    LedgerProof,
    ProvenSum,
    Wallet,
)

__all__ = [
    "ENTRY_SIGNS",
    "SETTLEMENTS",
    "SIGNS",
    "BalanceNotice",
    "EntryKind",
    "EntryNote",
    "KeyUsage",
    "LedgerEntry",
    "LedgerProof",
    "ProvenSum",
    "Redemption",
    "Voucher",
    "Wallet",
    "Welcome",
    "WelcomeCount",
]
