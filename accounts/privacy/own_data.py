"""A copy of what is stored of one person, for that person."""

from typing import Any

from accounts import hooks
from accounts.models import Acceptance, AuditEvent, Invitation, Membership, User
from accounts.privacy.export_rows import event_row
from accounts.signing.own import ways_to_sign_in

MOST_EVENTS = 10_000  # the newest


def copy_of(user: User) -> dict[str, Any]:
    """Ready for DjangoJSONEncoder. What an organization has is in the organization's own export."""
    return {
        "account": {
            "id": user.actor,
            "email": user.email,
            "name": user.name,
            "language": user.language,
            "email_confirmed_at": user.email_confirmed_at,
            "joined_at": user.date_joined,
            "last_signed_in_at": user.last_login,
        },
        "signing_in": ways_to_sign_in(user),
        "memberships": _memberships(user),
        "invitations": _invitations(user),
        "accepted": _acceptances(user),
        "events": _events(user),
        **{name: value for hook in hooks.person_sections for name, value in hook(user).items()},
    }


def _memberships(user: User) -> list[dict[str, Any]]:
    return [
        {"organization": member.organization.name, "role": member.role, "since": member.created_at}
        for member in Membership.objects.filter(user=user).select_related("organization").order_by("pk")
    ]


def _invitations(user: User) -> list[dict[str, Any]]:
    return [
        {
            "organization": invitation.organization.name,
            "role": invitation.role,
            "created_at": invitation.created_at,
            "accepted_at": invitation.accepted_at,
            "revoked_at": invitation.revoked_at,
        }
        for invitation in Invitation.objects.filter(email=user.email)
        .select_related("organization")
        .order_by("pk")
    ]


def _acceptances(user: User) -> list[dict[str, Any]]:
    return [
        {"document": one.kind, "version": one.version, "at": one.created_at}
        for one in Acceptance.objects.filter(user=user).order_by("pk")
    ]


def _events(user: User) -> list[dict[str, Any]]:
    """What they did, with where they did it from. One that concerns the person is told to each organization."""
    events = AuditEvent.objects.filter(actor=user.actor).select_related("origin", "organization")
    return [
        {"organization": event.organization.name if event.organization else None, **event_row(event)}
        for event in events.order_by("-pk")[:MOST_EVENTS]
    ]
