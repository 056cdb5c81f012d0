"""Operators who look at the shop as a member sees it: for a time, told on every page, in the audit log, changing
nothing.

The session stays the operator's own, and names the row that says in whose place they are; config/standing_in.py puts
that person into requests for pages that only show something, and refuses all others.
"""

import datetime
import uuid
from contextlib import suppress
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import shops, staff
from accounts.audit import record
from accounts.clock import db_now
from accounts.desk.deeds import Doer, Refused
from accounts.models import AuditAction, Membership, Organization, StandIn, User
from accounts.origin import NOWHERE, Origin, origin_of

LASTS = datetime.timedelta(minutes=30)
KEPT = datetime.timedelta(days=1)
PERMISSION = "accounts.stand_in"
IN_SESSION = "standing_in"
BY_OPERATOR, BY_TIME = "operator", "time"


class NotInTheirPlace(Refused):
    message = _("Nobody takes the place of an operator, or of somebody who cannot sign in.")


def customers_of(organization: Organization) -> list[User]:
    """Members in whose place an operator may look. Nobody who works at a desk, of whatever shop, is among them."""
    members = User.objects.filter(memberships__organization=organization, desks=None, **_CUSTOMER)
    return list(members.order_by("email"))


_CUSTOMER = {"is_active": True, "erased_at": None, "is_staff": False, "is_superuser": False}


class NotHere(Refused):
    message = _("One looks in at the address of its own shop, and by the shop's own staff.")


def begin(request: HttpRequest, organization: Organization, user: User, doer: Doer) -> StandIn:
    """In this session, in place of another one that was begun in it. Raises NotInTheirPlace, NotHere."""
    if organization.shop_id != shops.shop_id_of(request):
        raise NotHere
    if _token_of(request) != doer.once:
        end(request)
    with transaction.atomic():
        row, is_new = StandIn.objects.get_or_create(
            token=doer.once,
            defaults={
                "operator": doer.user,
                "user": user,
                "organization": organization,
                "until": db_now() + LASTS,
            },
        )
        if _of(request, doer.once, doer.user) is None:
            raise NotInTheirPlace if is_new else Refused
        if is_new:
            minutes = int(LASTS.total_seconds() // 60)
            doer.record(organization, AuditAction.STAND_IN_BEGUN, subject=user.actor, minutes=minutes)
    request.session[IN_SESSION] = str(doer.once)
    return row


def of(request: HttpRequest) -> StandIn | None:
    """In whose place this session's operator is now; None also when the time is over, or either may not any more."""
    token, user = _token_of(request), request.user
    return _of(request, token, user) if token is not None and isinstance(user, User) else None


def is_begun(request: HttpRequest) -> bool:
    """Whether it is to be looked up, or to be forgotten."""
    return IN_SESSION in request.session


def end(request: HttpRequest) -> StandIn | None:
    """What has ended by now; None when nothing was begun. The session is its operator's alone again."""
    token = _token_of(request)
    request.session.pop(IN_SESSION, None)
    row = _rows().filter(token=token).first() if token is not None else None
    if row is None:
        return None
    _end(row, BY_OPERATOR if row.is_young else BY_TIME, origin_of(request))
    ended: StandIn = row
    return ended


def end_expired() -> int:
    """How many of which nobody came back; rows go a day later, what happened stands in the audit log."""
    expired = _rows().filter(ended_at=None, until__lte=db_now()).order_by("until")
    count = sum(_end(row, BY_TIME) for row in expired[:500])
    StandIn.objects.filter(until__lt=db_now() - KEPT).exclude(ended_at=None).delete()
    return count


@transaction.atomic
def _end(row: StandIn, by: str, origin: Origin = NOWHERE) -> bool:
    if not StandIn.objects.filter(pk=row.pk, ended_at=None).update(ended_at=db_now()):
        return False
    record(
        row.organization,
        AuditAction.STAND_IN_ENDED,
        actor=row.operator_actor if by == BY_OPERATOR else "system",
        subject=row.user.actor,
        origin=origin,
        by=by,
    )
    return True


def _of(request: HttpRequest, token: uuid.UUID, operator: User) -> StandIn | None:
    if not staff.may(request, PERMISSION):
        return None
    rows = _rows().filter(token=token, operator=operator, ended_at=None, is_young=True)
    row: StandIn | None = rows.first()
    if row is None or row.organization.closed_at is not None:
        return None
    if row.organization.shop_id != shops.shop_id_of(request):
        return None
    person = row.user
    if any(getattr(person, name) != value for name, value in _CUSTOMER.items()) or person.desks.exists():
        return None
    if not Membership.objects.filter(user=person, organization=row.organization).exists():
        return None
    return row


def _rows() -> "QuerySet[Any]":
    """With `is_young`: their time is not over."""
    is_young = ExpressionWrapper(Q(until__gt=db_now()), BooleanField())
    rows = StandIn.objects.select_related("operator", "user", "organization__shop")
    return rows.annotate(is_young=is_young)


def _token_of(request: HttpRequest) -> uuid.UUID | None:
    with suppress(KeyError, ValueError, TypeError):
        return uuid.UUID(request.session[IN_SESSION])
    return None
