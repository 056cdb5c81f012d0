"""What the archive of an organization holds of people, keys and the audit log."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Model, QuerySet

from accounts.audit_log import is_operator, without_staff
from accounts.hooks import ExportDocument, ExportFile
from accounts.models import ApiKey, AuditEvent, Invitation, Membership, Organization

BATCH = 500

Row = dict[str, Any]


def sections(organization: Organization) -> Iterator[ExportDocument | ExportFile]:
    yield ExportDocument("organization.json", iter([_organization(organization)]))
    yield ExportDocument("members.json", _members(organization))
    yield ExportDocument("invitations.json", _invitations(organization))
    yield ExportDocument("keys.json", _keys(organization))
    yield ExportDocument("audit.json", _audit(organization))


def in_batches(rows: "QuerySet[Any]", by: str = "pk") -> Iterator[Any]:
    """All of `rows`, oldest first, by many small queries: none lasts for minutes or holds a snapshot. `by`: what
    numbers them as their ids do, and an index is sorted by.
    """
    after = 0
    while True:
        batch: list[Model] = list(rows.filter(**{f"{by}__gt": after}).order_by(by)[:BATCH])
        yield from batch
        if len(batch) < BATCH:
            return
        after = batch[-1].pk


def _organization(organization: Organization) -> Row:
    return {
        "name": organization.name,
        "slug": organization.slug,
        "shop": organization.shop.name,
        "created_at": organization.created_at,
        "suspended_at": organization.suspended_at,
        "closing_at": organization.closing_at,
        "retention_days": organization.retention_days,
        "rate_per_minute": organization.rate_per_minute,
        "burst": organization.burst,
    }


def _members(organization: Organization) -> Iterator[Row]:
    for member in in_batches(Membership.objects.filter(organization=organization).select_related("user")):
        yield {
            "id": member.user.actor,
            "email": member.user.email,
            "name": member.user.name,
            "role": member.role,
            "since": member.created_at,
        }


def _invitations(organization: Organization) -> Iterator[Row]:
    for invitation in in_batches(
        Invitation.objects.filter(organization=organization).select_related("invited_by", "accepted_by")
    ):
        yield {
            "id": invitation.public_id,
            "email": invitation.email,
            "role": invitation.role,
            "invited_by": invitation.invited_by and invitation.invited_by.actor,
            "times_sent": invitation.times_sent,
            "created_at": invitation.created_at,
            "sent_at": invitation.sent_at,
            "expires_at": invitation.expires_at,
            "accepted_at": invitation.accepted_at,
            "accepted_by": invitation.accepted_by and invitation.accepted_by.actor,
            "revoked_at": invitation.revoked_at,
        }


def _keys(organization: Organization) -> Iterator[Row]:
    """Without digests: whoever has the archive cannot even tell which key it was."""
    keys = ApiKey.objects.filter(organization=organization).select_related("created_by", "replaced_by")
    for key in in_batches(keys):
        yield {
            "id": key.public_id,
            "prefix": key.prefix,
            "name": key.name,
            "livemode": key.livemode,
            "scopes": key.scopes,
            "allowed_addresses": key.allowed_addresses,
            "rate_per_minute": key.rate_per_minute,
            "burst": key.burst,
            "created_by": key.created_by and key.created_by.actor,
            "created_at": key.created_at,
            "expires_at": key.expires_at,
            "revoked_at": key.revoked_at,
            "frozen_at": key.frozen_at,
            "frozen_reason": key.frozen_reason,
            "replaced_by": key.replaced_by and key.replaced_by.public_id,
            "last_used_at": key.last_used_at,
            "last_used_address": key.last_used_address,
        }


def _audit(organization: Organization) -> Iterator[Row]:
    events = AuditEvent.objects.filter(organization=organization).select_related("origin")
    for event in in_batches(events):
        yield event_row(event)


def event_row(event: AuditEvent) -> Row:
    """With its origin, as far as that was not erased and is no operator's."""
    origin = None if is_operator(event.actor) else getattr(event, "origin", None)
    return {
        "at": event.created_at,
        "actor": without_staff(event.actor),
        "action": event.action,
        "subject": without_staff(event.subject),
        "details": event.details,
        "address": origin and origin.address,
        "agent": origin.agent if origin else "",
        "note": origin.note if origin else "",
    }
