"""Invitations: by mail, for one address, once, for seven days.

Only the digest of what the link holds is stored, so nobody who reads the database can use one. Whoever holds the link
has read the mail of that address.
"""

import datetime
import hashlib
import re
import secrets

from django.conf import settings
from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet, Sum
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.access import Access, held, hold
from accounts.audit import record, record_by
from accounts.clock import db_now
from accounts.errors import DomainError, InsufficientScope, NotFound
from accounts.mail import outbox, sending
from accounts.models import AuditAction, Invitation, Membership, Organization, Role, User
from accounts.names import isolated
from accounts.origin import NOWHERE, Origin
from accounts.roles import Right, may_give
from accounts.standing import require_running

SESSION_KEY = "invitation"  # in the session of whoever opened one: its token
LIFETIME = datetime.timedelta(days=7)
DAY = datetime.timedelta(days=1)
MAILS_TO_ONE_ADDRESS_A_DAY = 3
ID = re.compile(r"inv_[0-9a-f]{24}")

_STATUS = {"unknown": 404, "other_address": 403}


class Unusable(DomainError):
    """`reason`: unknown, expired, used, revoked, other_address. `invitation`: which one, unless it is unknown."""

    type, status, message = "invitation_unusable", 410, gettext_lazy("This invitation cannot be used")

    def __init__(self, reason: str, invitation: Invitation | None = None) -> None:
        super().__init__()
        self.reason = reason
        self.invitation = invitation
        self.status = _STATUS.get(reason, 410)


class NotInvited(DomainError):
    """Nothing was sent; `message` says why, to whoever wanted to invite."""

    type, status = "not_invited", 409


# --- By those who may invite --------------------------------------------------------------------


def roles_to_offer(access: Access) -> list[Role]:
    """Nobody is invited as an owner: that is given to people who are known."""
    return [role for role in Role if role != Role.OWNER and _may_offer(access, role)]


def open_invitations(organization: Organization) -> QuerySet[Invitation]:
    """Also those that have expired, `is_over`: they can be sent again."""
    found = Invitation.objects.filter(organization=organization, accepted_at=None, revoked_at=None)
    is_over = ExpressionWrapper(Q(expires_at__lte=db_now()), BooleanField())
    return found.select_related("invited_by").annotate(is_over=is_over).order_by("-pk")


@transaction.atomic
def invite(access: Access, email: str, role: str) -> Invitation:
    """Whether there is an account with this address makes no difference. Raises InsufficientScope and NotInvited."""
    giver = _inviting(access, role)
    address = User.objects.clean_email(email)
    _require_no_member(giver.organization, address)
    opened = open_invitations(giver.organization)
    if opened.filter(email=address, expires_at__gt=db_now()).exists():
        raise NotInvited(_("This address is invited already. Send that invitation again, or take it back."))
    opened.filter(email=address).update(revoked_at=db_now())  # it has expired
    if opened.count() >= settings.MAX_OPEN_INVITATIONS:
        words = _("%(count)d invitations are open, and there may be no more. Take back what is not needed.")
        raise NotInvited(words % {"count": settings.MAX_OPEN_INVITATIONS})
    _count_mail(giver, address)
    token = _new_token()
    invitation = Invitation.objects.create(
        organization=giver.organization,
        email=address,
        role=role,
        digest=_digest(token),
        invited_by=giver.user,
        expires_at=db_now() + LIFETIME,
    )
    record_by(giver, AuditAction.MEMBER_INVITED, subject=invitation.public_id, note=address, role=role)
    _send(giver, invitation, token)
    return invitation


@transaction.atomic
def send_again(access: Access, public_id: str) -> Invitation:
    """With a new link and seven new days; the earlier link is void. Raises NotFound, InsufficientScope, NotInvited."""
    hold(access.organization)
    invitation = _open(access, public_id)
    giver = _inviting(access, invitation.role)
    _require_no_member(giver.organization, invitation.email)
    _count_mail(giver, invitation.email)
    token = _new_token()
    Invitation.objects.filter(pk=invitation.pk).update(
        digest=_digest(token),
        invited_by=giver.user,
        times_sent=F("times_sent") + 1,
        sent_at=db_now(),
        expires_at=db_now() + LIFETIME,
    )
    record_by(giver, AuditAction.INVITATION_SENT_AGAIN, subject=invitation.public_id, note=invitation.email)
    _send(giver, invitation, token)
    return invitation


@transaction.atomic
def revoke(access: Access, public_id: str) -> Invitation:
    """Its link is void from now on. Raises NotFound and InsufficientScope."""
    giver = held(access)
    invitation = _open(giver, public_id)
    if not _may_offer(giver, invitation.role):
        raise InsufficientScope
    _revoke(giver, invitation)
    return invitation


def revoke_all_of(access: Access, inviter: User) -> None:
    """What somebody has offered who may no longer offer anything. Part of the caller's transaction, which holds the
    organization.
    """
    for invitation in open_invitations(access.organization).filter(invited_by=inviter):
        _revoke(access, invitation)


def _revoke(access: Access, invitation: Invitation) -> None:
    Invitation.objects.filter(pk=invitation.pk).update(revoked_at=db_now())
    record_by(access, AuditAction.INVITATION_REVOKED, subject=invitation.public_id, note=invitation.email)


def _may_offer(access: Access, role: str) -> bool:
    return Right.MEMBERS in access.rights and access.role is not None and may_give(access.role, role)


def _inviting(access: Access, role: str) -> Access:
    giver = held(access)
    if role not in roles_to_offer(giver):
        raise InsufficientScope
    require_running(giver.organization)
    return giver


def _open(access: Access, public_id: str) -> Invitation:
    if not ID.fullmatch(public_id):
        raise NotFound
    found = open_invitations(access.organization).filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    return found


def _require_no_member(organization: Organization, address: str) -> None:
    if Membership.objects.filter(organization=organization, user__email=address).exists():
        raise NotInvited(_("This address belongs to a member already."))


def _count_mail(giver: Access, address: str) -> None:
    """Mails of a day, of this person in all organizations as well: nobody shall send letters of their own making with
    the shop's name on them. Of an invitation that was sent again, earlier mails count like those of today.
    """
    if giver.user is None:
        raise InsufficientScope
    User.objects.select_for_update(no_key=True).get(pk=giver.user.pk)
    of_organization = Invitation.objects.filter(organization=giver.organization)
    if _mails(of_organization.filter(email=address)) >= MAILS_TO_ONE_ADDRESS_A_DAY:
        raise NotInvited(_("This address was written to several times today. Try again tomorrow."))
    by_person = Invitation.objects.filter(invited_by=giver.user)
    if max(_mails(of_organization), _mails(by_person)) >= settings.INVITATION_MAILS_PER_DAY:
        words = _("%(count)d invitations were sent within a day, and there may be no more. Go on tomorrow.")
        raise NotInvited(words % {"count": settings.INVITATION_MAILS_PER_DAY})


def _mails(rows: QuerySet[Invitation]) -> int:
    sent = rows.filter(sent_at__gt=db_now() - DAY).aggregate(sum=Sum("times_sent"))["sum"]
    return sent or 0


def _send(giver: Access, invitation: Invitation, token: str) -> None:
    inviter = giver.user
    context = {
        "token": token,
        "name": isolated(sending.one_line(giver.organization.name)),
        "inviter": sending.one_line(inviter.email if inviter else ""),
        "role": Role(invitation.role).label,
        "days": LIFETIME.days,
    }
    # In their language where they have an account, which tells the giver nothing; else in the giver's.
    outbox.queue_template(
        giver.organization.shop, invitation.email, "invitation", context, else_in=get_language()
    )


# --- By those who are invited -------------------------------------------------------------------


def find(token: str, shop_id: int) -> Invitation:
    """The one of this shop that this link is for and that can be accepted now. Raises Unusable."""
    found = Invitation.objects.select_related("organization__shop", "invited_by", "accepted_by")
    invitation = found.filter(digest=_digest(token), organization__shop=shop_id).first()
    if invitation is None:
        raise Unusable("unknown")
    if invitation.accepted_at is not None:
        raise Unusable("used", invitation)
    if invitation.revoked_at is not None or invitation.organization.closing_at is not None:
        raise Unusable("revoked", invitation)
    if not Invitation.objects.filter(pk=invitation.pk, expires_at__gt=db_now()).exists():
        raise Unusable("expired", invitation)
    return invitation


@transaction.atomic
def accept(user: User, token: str, shop_id: int, origin: Origin = NOWHERE) -> Membership:
    """Whoever belongs to it already stays what they are. Raises Unusable."""
    hold(find(token, shop_id).organization)
    invitation = find(token, shop_id)  # again: somebody may have been faster
    if user.email != invitation.email:
        raise Unusable("other_address", invitation)
    mine = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    if not mine.update(accepted_at=db_now(), accepted_by=user):
        raise Unusable("used", invitation)
    membership, is_new = Membership.objects.get_or_create(
        organization=invitation.organization, user=user, defaults={"role": invitation.role}
    )
    if is_new:
        record(
            invitation.organization,
            AuditAction.MEMBER_JOINED,
            actor=user.actor,
            subject=user.actor,
            origin=origin,
            role=invitation.role,
            invitation=invitation.public_id,
        )
    return membership


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
