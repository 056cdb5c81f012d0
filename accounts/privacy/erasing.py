"""How a person ends: their row is blanked at once, and what bears their name, address or whereabouts goes. What they
did is still told of by their id alone; images and prompts belong to the organization that they made them in.
"""

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts import hooks
from accounts.audit import record
from accounts.clock import db_now
from accounts.errors import DomainError
from accounts.members import ChangedMeanwhile
from accounts.models import (
    NOBODY,
    AuditAction,
    AuditOrigin,
    Invitation,
    Membership,
    Organization,
    QueuedMail,
    Role,
    User,
)
from accounts.signing.erasing import erase as forget_sign_in

PORTION = 1000


class OnlyOwner(DomainError):
    """`organizations` would be left without an owner."""

    type, status = "only_owner", 409
    message = _("An organization would be left without an owner.")

    def __init__(self, organizations: list[Organization]) -> None:
        super().__init__()
        self.organizations = organizations


def only_owner_of(user: User) -> list[Organization]:
    """Those that nobody else could go on with, unless they are being deleted anyway."""
    owned = Organization.objects.filter(
        memberships__user=user, memberships__role=Role.OWNER, closing_at=None, closed_at=None
    )
    others = Membership.objects.filter(
        organization=OuterRef("pk"), role=Role.OWNER, user__is_active=True
    ).exclude(user=user)
    return list(owned.filter(~Exists(others)).order_by("pk"))


@transaction.atomic
def erase(user: User) -> bool:
    """False when it was done before. Raises OnlyOwner and ChangedMeanwhile. Nothing of it can be undone."""
    memberships = Membership.objects.filter(user=user).values_list("organization", flat=True)
    # Of two owners who leave at the same moment one has to stay.
    held = Organization.objects.select_for_update(no_key=True).filter(pk__in=list(memberships))
    organizations = list(held.order_by("pk"))
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if locked.erased_at is not None:
        return False
    if set(memberships.all()) - {organization.pk for organization in organizations}:
        raise ChangedMeanwhile
    stranded = only_owner_of(user)
    if stranded:
        raise OnlyOwner(stranded)
    for organization in organizations:
        if organization.closed_at is None:
            record(organization, AuditAction.PERSON_ERASED, actor=user.actor, subject=user.actor)
    for hook in hooks.person_erased:
        hook(locked)
    forget_sign_in(locked)
    _erase_traces(locked, organizations)
    Membership.objects.filter(user=user).delete()
    _blank(locked)
    return True


def _erase_traces(user: User, organizations: list[Organization]) -> None:
    addresses = _addresses_of(user)
    for address in addresses:
        QueuedMail.objects.filter(to__iexact=address, sent_at=None).delete()
    invited = Invitation.objects.filter(Q(email__in=addresses) | Q(accepted_by=user))
    ids = set(invited.values_list("public_id", flat=True))
    told = {organization.pk for organization in organizations}
    told |= set(invited.values_list("organization", flat=True))
    invited.delete()
    Invitation.objects.filter(invited_by=user, accepted_at=None, revoked_at=None).delete()
    # Of tries to sign in it is not known who made them; most are one's own.
    tries = Q(event__actor=NOBODY, event__subject=user.actor)
    AuditOrigin.objects.filter(Q(event__actor=user.actor) | tries).delete()
    # What others did to them, in whose words their address or name may stand.
    of_others = AuditOrigin.objects.filter(event__organization__in=told).exclude(note="")
    names_them = Q(event__subject__in={user.actor, *ids})
    for address in addresses:
        names_them |= Q(note__icontains=address)
    of_others.filter(names_them).update(note="")


def _addresses_of(user: User) -> set[str]:
    """With the earlier ones that invitations tell of, unless they are somebody else's by now."""
    accepted = Invitation.objects.filter(accepted_by=user).exclude(email=user.email)
    earlier = set(accepted.values_list("email", flat=True))
    taken = User.objects.filter(email__in=earlier).values_list("email", flat=True)
    return {user.email, *earlier.difference(taken)}


def _blank(user: User) -> None:
    user.email = f"erased-{user.uuid}@erased.invalid"
    user.name = user.language = ""
    user.set_unusable_password()
    user.is_active = user.is_staff = user.is_superuser = False
    user.email_confirmed_at = user.last_login = None
    user.save()
    user.desks.all().delete()
    user.groups.clear()
    user.user_permissions.clear()
    User.objects.filter(pk=user.pk).update(erased_at=db_now())
