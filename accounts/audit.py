"""The only writer of the audit log. Part of the caller's transaction: what did not happen is not in it."""

from typing import TYPE_CHECKING

from django.db import transaction

from accounts.models import AuditAction, AuditEvent, AuditOrigin, Membership, Organization, User
from accounts.origin import NOWHERE, Origin

if TYPE_CHECKING:
    from accounts.access import Access

Detail = str | int | bool | None | list[str]


def record(
    organization: Organization,
    action: AuditAction,
    *,
    actor: str,
    subject: str = "",
    origin: Origin = NOWHERE,
    note: str = "",
    **details: Detail,
) -> AuditEvent:
    """`details` are machine words, ids and numbers; what people wrote, names and addresses belong into `note`, which is
    erased with the person or organization.
    """
    with transaction.atomic():
        event = AuditEvent.objects.create(
            shop_id=organization.shop_id,
            organization=organization,
            actor=actor,
            action=action,
            subject=subject,
            details=details,
        )
        if origin != NOWHERE or note:
            AuditOrigin.objects.create(
                event=event, address=origin.address, agent=origin.agent, note=note[:500]
            )
    return event


def record_by(
    access: "Access", action: AuditAction, *, subject: str = "", note: str = "", **details: Detail
) -> None:
    """By whoever is acting for the organization."""
    record(
        access.organization,
        action,
        actor=access.actor,
        subject=subject,
        origin=access.origin,
        note=note,
        **details,
    )


def record_of_person(
    user: User,
    action: AuditAction,
    *,
    actor: str = "",
    origin: Origin = NOWHERE,
    note: str = "",
    **details: Detail,
) -> None:
    """What concerns somebody's own account is told to each of their organizations. `actor`: if it was another."""
    memberships = Membership.objects.filter(user=user).select_related("organization").order_by("pk")
    for membership in memberships:
        record(
            membership.organization,
            action,
            actor=actor or user.actor,
            subject=user.actor,
            origin=origin,
            note=note,
            **details,
        )
