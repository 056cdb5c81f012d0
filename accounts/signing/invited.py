"""Signing up with an invitation: the mail that it came by has proven the address."""

from django.http import HttpRequest

from accounts import invitations
from accounts.models import Invitation
from accounts.shops import shop_id_of


def invitation_of(request: HttpRequest) -> Invitation | None:
    """The one that this session came with, while it can be accepted."""
    token = request.session.get(invitations.SESSION_KEY)
    if not isinstance(token, str):
        return None
    try:
        return invitations.find(token, shop_id_of(request))
    except invitations.Unusable:
        return None


def invitation_for(request: HttpRequest, email: str) -> Invitation | None:
    """The same, if it is for this address."""
    invitation = invitation_of(request)
    return invitation if invitation is not None and invitation.email == email else None
