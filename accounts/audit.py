"""The only writer of the audit log. Part of the caller's transaction: what did not happen is not in it."""

import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q

from accounts.clock import db_now
from accounts.models import AuditAction, AuditEvent, AuditOrigin, Membership, Organization, User
from accounts.origin import NOWHERE, Origin

if TYPE_CHECKING:
    from accounts.access import Access

PORTION = 500

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
    shop_id: int | None = None,
    **details: Detail,
) -> None:
    """What concerns somebody's own account is told to each of their organizations; with `shop_id`, to those of this
    shop. `actor`: if it was another.
    """
    memberships = Membership.objects.filter(user=user).select_related("organization").order_by("pk")
    if shop_id is not None:
        memberships = memberships.filter(organization__shop=shop_id)
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


def forget_origins() -> int:
    """How many were older than settings.AUDIT_ORIGIN_DAYS: addresses and browsers go, what was noted stays. From the
    oldest on, up to the first that is young: the others need not be looked at.
    """
    days = datetime.timedelta(days=settings.AUDIT_ORIGIN_DAYS)
    is_old = ExpressionWrapper(Q(event__created_at__lte=db_now() - days), BooleanField())
    told = AuditOrigin.objects.exclude(address=None, agent="").annotate(is_old=is_old).order_by("pk")
    count = 0
    while True:
        portion = list(told.values_list("pk", "is_old")[:PORTION])
        old = AuditOrigin.objects.filter(pk__in=[pk for pk, is_one in portion if is_one])
        forgotten = old.update(address=None, agent="")
        count += forgotten
        if forgotten < PORTION:
            return count
