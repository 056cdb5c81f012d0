"""Accounts whose address nobody has shown to be theirs: whoever opened one may be a stranger to its mailbox.

What was typed for it counts for whoever types the password again, or sits at the browser that typed it first. Who shows
by a reset that the address is theirs starts anew, and what nobody confirms is forgotten.
"""

import datetime
import logging

from allauth.account.models import EmailAddress
from allauth.account.stages import EmailVerificationStage, LoginStageController
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from accounts.audit import record
from accounts.clock import db_now
from accounts.models import (
    Acceptance,
    ApiKey,
    AuditAction,
    AuditEvent,
    Invitation,
    Membership,
    Organization,
    User,
)
from accounts.models.tenancy import UNDO_FOR
from accounts.organizations import called_after, free_slug
from accounts.privacy import closing, erasing

logger = logging.getLogger(__name__)

KEPT_FOR = datetime.timedelta(days=7)
AT_ONCE = 100


class _Meanwhile(Exception):
    """They have confirmed it, so nothing is forgotten."""


def is_unproven(user: User) -> bool:
    """People whom an operator entered are not: what they have was given to them."""
    return _unproven().filter(pk=user.pk).exists()


def typed_it_here(request: HttpRequest, user: User) -> bool:
    """Whether this browser has typed the account's password: to sign up, or in."""
    if request.user == user:
        return True
    stage = LoginStageController.enter(request, EmailVerificationStage.key)
    return bool(stage and stage.login.user and stage.login.user.pk == user.pk)


def start_anew(user: User) -> None:
    """Nothing that a stranger has chosen or accepted comes with the account. Part of the caller's transaction."""
    Acceptance.objects.filter(user=user).delete()
    User.objects.filter(pk=user.pk).update(name="", language="")
    for organization in Organization.objects.select_for_update(no_key=True).filter(pk__in=_founded_by(user)):
        name = called_after(user.email)
        Invitation.objects.filter(organization=organization, accepted_at=None).delete()
        if organization.name != name:
            Organization.objects.filter(pk=organization.pk).update(
                name=name, slug=free_slug(organization.shop_id, name)
            )
            record(organization, AuditAction.ORGANIZATION_RENAMED, actor=user.actor)


# --- What nobody confirms -------------------------------------------------------------------------


def forget_old() -> int:
    """How many accounts were blanked, with the organizations that were founded with them, unless there is something in
    these: then an operator has put it there.
    """
    old = _unproven().filter(
        date_joined__lte=db_now() - KEPT_FOR, is_staff=False, is_superuser=False, desks=None
    )
    forgotten = 0
    for user in old.order_by("pk")[:AT_ONCE]:
        try:
            forgotten += _forget(user)
        except _Meanwhile:
            continue
        except (OperationalError, InterfaceError):
            raise  # each would wait for the database anew
        except Exception:
            logger.exception("user:%s could not be forgotten, it is tried again", user.uuid)
    return forgotten


@transaction.atomic
def _forget(user: User) -> bool:
    founded = list(Organization.objects.filter(pk__in=_founded_by(user)).order_by("pk"))
    if any(_holds_something(organization) for organization in founded) or _belongs_elsewhere(user, founded):
        return False
    # Nobody could take it back, so there is nothing to wait for: the next round of closing blanks it.
    Organization.objects.filter(pk__in=[organization.pk for organization in founded]).update(
        closing_at=db_now() - UNDO_FOR
    )
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not is_unproven(user):
        raise _Meanwhile
    return erasing.erase(user)


def _unproven() -> QuerySet[User]:
    rows = EmailAddress.objects.filter(user=OuterRef("pk"))
    return User.objects.filter(
        Exists(rows.filter(verified=False)),
        ~Exists(rows.filter(verified=True)),
        email_confirmed_at=None,
        erased_at=None,
    )


def _founded_by(user: User) -> list[int]:
    """With the account, by themselves: where they are the only member."""
    events = AuditEvent.objects.filter(actor=user.actor, action=AuditAction.ORGANIZATION_CREATED)
    others = Membership.objects.filter(organization=OuterRef("pk")).exclude(user=user)
    own = Organization.objects.filter(
        ~Exists(others), pk__in=events.values("organization"), memberships__user=user, closed_at=None
    )
    return list(own.values_list("pk", flat=True))


def _belongs_elsewhere(user: User, founded: list[Organization]) -> bool:
    return Membership.objects.filter(user=user).exclude(organization__in=founded).exists()


def _holds_something(organization: Organization) -> bool:
    keys = ApiKey.objects.filter(organization=organization)
    return keys.exists() or bool(closing.losses(organization))
