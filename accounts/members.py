"""Who belongs to an organization, and as what.

Every change holds the organization's row and reads under it who asks, who is meant, and who else owns it: of two at
once the second finds what the first has done. So none is ever without an owner, and nobody gives what they have lost.
"""

import uuid

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import invitations
from accounts.access import Access, held
from accounts.audit import record_by
from accounts.errors import DomainError, InsufficientScope, NotFound
from accounts.models import AuditAction, Membership, Organization, Role
from accounts.organizations import require_may_own
from accounts.roles import RIGHTS, Right, may_give


class LastOwner(DomainError):
    type, status = "last_owner", 409
    message = _(
        "An organization needs an owner, and there is no other. Make somebody else an owner first, or delete it."
    )


class ChangedMeanwhile(DomainError):
    type, status = "changed_meanwhile", 409
    message = _("Somebody has changed this since you opened the page. Please look again.")


def members_of(organization: Organization) -> list[Membership]:
    """In the order in which they joined."""
    return list(organization.memberships.select_related("user").order_by("pk"))


def member_of(organization: Organization, member: uuid.UUID) -> Membership:
    """By the person's `uuid`. Raises NotFound."""
    found = organization.memberships.select_related("user").filter(user__uuid=member).first()
    if found is None:
        raise NotFound
    return found


def may_change(access: Access, membership: Membership) -> bool:
    """Whether they may give this member another role, or remove them."""
    return _may_give(access, membership.role)


def roles_to_give(access: Access) -> list[Role]:
    return [role for role in Role if _may_give(access, role)]


def is_only_owner(membership: Membership) -> bool:
    """Of those who can still sign in."""
    owners = Membership.objects.filter(organization_id=membership.organization_id, role=Role.OWNER)
    others = owners.filter(user__is_active=True).exclude(pk=membership.pk)
    return membership.role == Role.OWNER and not others.exists()


@transaction.atomic
def change_role(access: Access, member: uuid.UUID, *, seen: str, role: str) -> Membership:
    """`seen`: what they were when it was decided; both roles must be whoever asks' to give. Raises NotFound,
    InsufficientScope, ChangedMeanwhile, LastOwner and TooManyOrganizations.
    """
    giver = held(access)
    membership = member_of(giver.organization, member)
    if not _may_give(giver, membership.role) or role not in RIGHTS or not _may_give(giver, role):
        raise InsufficientScope
    if membership.role != seen:
        raise ChangedMeanwhile
    if role == seen:
        return membership
    _require_another_owner(membership)
    if role == Role.OWNER:
        require_may_own(membership.user, membership.organization.shop_id)
    if not Membership.objects.filter(pk=membership.pk, role=seen).update(role=role):
        raise ChangedMeanwhile
    membership.role = role
    words = {"from": seen, "to": role}
    record_by(giver, AuditAction.ROLE_CHANGED, subject=membership.user.actor, **words)
    if Right.MEMBERS not in RIGHTS[role]:
        invitations.revoke_all_of(giver, membership.user)
    return membership


@transaction.atomic
def remove(access: Access, member: uuid.UUID) -> Membership:
    """With effect from their next request on. Raises NotFound, InsufficientScope and LastOwner."""
    giver = held(access)
    membership = member_of(giver.organization, member)
    if not _may_give(giver, membership.role):
        raise InsufficientScope
    _end(giver, membership, AuditAction.MEMBER_REMOVED)
    return membership


@transaction.atomic
def leave(access: Access) -> None:
    """Everybody may. Raises NotFound when they are out already, and LastOwner."""
    leaver = held(access)
    if leaver.user is None:
        raise InsufficientScope
    _end(leaver, member_of(leaver.organization, leaver.user.uuid), AuditAction.MEMBER_LEFT)


def _end(access: Access, membership: Membership, action: AuditAction) -> None:
    _require_another_owner(membership)
    invitations.revoke_all_of(access, membership.user)
    if not Membership.objects.filter(pk=membership.pk, role=membership.role).delete()[0]:
        raise ChangedMeanwhile
    record_by(access, action, subject=membership.user.actor, role=membership.role)


def _may_give(access: Access, role: str) -> bool:
    """By their present rights as well: while an organization is being deleted, nobody is let in or put out."""
    return Right.MEMBERS in access.rights and access.role is not None and may_give(access.role, role)


def _require_another_owner(membership: Membership) -> None:
    if is_only_owner(membership):
        raise LastOwner
