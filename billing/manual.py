"""What operators do to wallets by hand; each call is an entry of its own with a reason beside it."""

import uuid

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.audit import record
from accounts.errors import DomainError
from accounts.models import AuditAction, Organization
from accounts.origin import NOWHERE, Origin
from billing import ledger
from billing.models import EntryKind, LedgerEntry
from billing.news import tell_of_added

MAX_MANUAL_CREDITS = 1_000_000_000


class NothingToTake(DomainError):
    type, status, message = "nothing_to_take", 409, _("Nothing is available there that could be taken.")


@transaction.atomic
def grant(
    organization_id: int,
    credits: int,
    *,
    reason: str,
    actor: str = "system",
    origin: Origin = NOWHERE,
    once: uuid.UUID | None = None,
) -> LedgerEntry | None:
    """`once`: calls that bear the same are one; None for those after the first."""
    entry = ledger.grant(
        organization_id, credits, reference=f"manual:{once or uuid.uuid4()}", actor=actor, note=reason
    )
    if entry is not None:
        _record(organization_id, credits, entry, reason, origin)
        tell_of_added(organization_id, credits, kind="grant", reference=entry.reference)
    return entry


@transaction.atomic
def take(
    organization_id: int,
    credits: int,
    *,
    reason: str,
    actor: str = "system",
    origin: Origin = NOWHERE,
    once: uuid.UUID | None = None,
) -> LedgerEntry | None:
    """At most what is available: the entry says how much. `once` as for a grant. Raises NothingToTake."""
    reference = f"manual:{once or uuid.uuid4()}"
    entry = ledger.take(organization_id, credits, reference=reference, actor=actor, note=reason)
    if entry is not None:
        _record(organization_id, entry.available, entry, reason, origin)
    elif not LedgerEntry.objects.filter(reference=reference, kind=EntryKind.TAKE).exists():
        raise NothingToTake
    return entry


def _record(organization_id: int, credits: int, entry: LedgerEntry, reason: str, origin: Origin) -> None:
    """`credits`: below 0 when they were taken."""
    organization = Organization.objects.get(pk=organization_id)
    record(
        organization,
        AuditAction.CREDITS_CHANGED,
        actor=entry.actor,
        origin=origin,
        note=reason,
        credits=credits,
    )
