"""What operators do to wallets by hand; each call is an entry of its own with a reason beside it."""

import uuid

from billing import ledger
from billing.models import LedgerEntry

MAX_MANUAL_CREDITS = 1_000_000_000


def grant(organization_id: int, credits: int, *, reason: str, actor: str = "system") -> LedgerEntry | None:
    return ledger.grant(
        organization_id, credits, reference=f"manual:{uuid.uuid4()}", actor=actor, note=reason
    )
