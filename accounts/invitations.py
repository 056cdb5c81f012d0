"""Invitations: found by what the mail's link holds, of which only the digest is stored."""

import hashlib

from django.utils.translation import gettext_lazy

from accounts.clock import db_now
from accounts.errors import DomainError
from accounts.models import Invitation

SESSION_KEY = "invitation"  # in the session of whoever opened one: its token


class Unusable(DomainError):
    """`reason`: unknown, expired, used, revoked."""

    type, status, message = "invitation_unusable", 410, gettext_lazy("This invitation cannot be used")

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


def find(token: str) -> Invitation:
    """The one that this link is for and that can be accepted now. Raises Unusable."""
    digest = hashlib.sha256(token.encode(errors="replace")).hexdigest()
    invitation = Invitation.objects.select_related("organization__shop").filter(digest=digest).first()
    if invitation is None:
        raise Unusable("unknown")
    if invitation.accepted_at is not None:
        raise Unusable("used")
    if invitation.revoked_at is not None:
        raise Unusable("revoked")
    if not Invitation.objects.filter(pk=invitation.pk, expires_at__gt=db_now()).exists():
        raise Unusable("expired")
    return invitation
