"""What operators do to wallets by hand; each call is an entry of its own with a reason beside it."""

import uuid

from django.db import transaction

from accounts.audit import record
from accounts.models import AuditAction, Organization
from billing import ledger
from billing.models import LedgerEntry
from billing.news import tell_of_added

MAX_MANUAL_CREDITS = 1_000_000_000


@transaction.atomic
def grant(organization_id: int, credits: int, *, reason: str, actor: str = "system") -> LedgerEntry | None:
    entry = ledger.grant(
        organization_id, credits, reference=f"manual:{uuid.uuid4()}", actor=actor, note=reason
    )
    organization = Organization.objects.get(pk=organization_id)
    record(organization, AuditAction.CREDITS_CHANGED, actor=actor, note=reason, credits=credits)
    if entry is not None:
        tell_of_added(organization_id, credits, kind="grant", reference=entry.reference)
    return entry
