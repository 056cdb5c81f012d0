"""Money as rows."""

from billing.models.automatic import AutoTopUp, StoppedReason
from billing.models.events import StripeEvent
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
    BooksCheck,
    EntryKind,
    EntryNote,
    KeyUsage,
    LedgerEntry,
    LedgerProof,
    ProvenSum,
    Wallet,
)
from billing.models.packs import CreditPack
from billing.models.payments import (
    UNDECIDED,
    HandSettlement,
    Payment,
    PaymentKind,
    PaymentStatus,
    PaymentStep,
    Refund,
)
from billing.models.stripe import StripeAccount, StripeCustomer

__all__ = [
    "ENTRY_SIGNS",
    "SETTLEMENTS",
    "SIGNS",
    "UNDECIDED",
    "AutoTopUp",
    "BalanceNotice",
    "BooksCheck",
    "CreditPack",
    "EntryKind",
    "EntryNote",
    "HandSettlement",
    "KeyUsage",
    "LedgerEntry",
    "LedgerProof",
    "Payment",
    "PaymentKind",
    "PaymentStatus",
    "PaymentStep",
    "ProvenSum",
    "Redemption",
    "Refund",
    "StoppedReason",
    "StripeAccount",
    "StripeCustomer",
    "StripeEvent",
    "Voucher",
    "Wallet",
    "Welcome",
    "WelcomeCount",
]
