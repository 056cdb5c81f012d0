"""The audit log as its readers want it: filtered, in pages, as a table for programs, with people by name.

Rows hold ids; who stands behind one is looked up when it is read, so that whoever was erased or has left is not named.
"""

import csv
import datetime
import io
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit_words
from accounts.connections import let_go
from accounts.models import (
    NOBODY,
    ApiKey,
    AuditAction,
    AuditEvent,
    AuditOrigin,
    Membership,
    Organization,
    User,
)

PAGE = 50
BATCH = 500
OPERATOR = ("staff:", "system")
NOBODY_IN_WORDS = gettext_lazy("somebody who is not signed in")
COLUMNS = (
    "id",
    "time",
    "action",
    "actor",
    "actor_id",
    "subject",
    "subject_id",
    "details",
    "note",
    "address",
    "agent",
)
# With which a spreadsheet takes a text for a formula.
_BEGINS_A_FORMULA = tuple("=+-@\t\r＝＋－＠")

_A = AuditAction
GROUPS: Mapping[str, tuple[Any, frozenset[AuditAction]]] = MappingProxyType(
    {
        "people": (
            gettext_lazy("Members and invitations"),
            frozenset(
                {
                    _A.MEMBER_INVITED,
                    _A.INVITATION_SENT_AGAIN,
                    _A.INVITATION_REVOKED,
                    _A.MEMBER_JOINED,
                    _A.ROLE_CHANGED,
                    _A.MEMBER_REMOVED,
                    _A.MEMBER_LEFT,
                    _A.PERSON_ERASED,
                    _A.PERSON_SHUT_OUT,
                    _A.PERSON_LET_IN,
                }
            ),
        ),
        "sign_in": (
            gettext_lazy("Sign-in and accounts"),
            frozenset(
                {
                    _A.SIGNED_IN,
                    _A.SIGN_IN_FAILED,
                    _A.SIGNED_OUT_ELSEWHERE,
                    _A.PASSWORD_CHANGED,
                    _A.EMAIL_CHANGED,
                    _A.SECOND_FACTOR_ON,
                    _A.SECOND_FACTOR_OFF,
                    _A.RECOVERY_CODES_MADE,
                    _A.PASSKEY_ADDED,
                    _A.PASSKEY_REMOVED,
                    _A.ACCOUNT_CONNECTED,
                    _A.ACCOUNT_DISCONNECTED,
                    _A.STAND_IN_BEGUN,
                    _A.STAND_IN_ENDED,
                }
            ),
        ),
        "keys": (
            gettext_lazy("API keys"),
            frozenset({_A.KEY_CREATED, _A.KEY_CHANGED, _A.KEY_ROTATED, _A.KEY_REVOKED, _A.KEY_FROZEN}),
        ),
        "webhooks": (
            gettext_lazy("Webhooks"),
            frozenset(action for action in _A if action.value.startswith("webhook_")),
        ),
        "money": (
            gettext_lazy("Money"),
            frozenset({_A.BILLING_CHANGED, _A.CREDITS_CHANGED, _A.REFUNDED, _A.PAYMENT_SETTLED}),
        ),
        "organization": (
            gettext_lazy("Organization"),
            frozenset(
                {
                    _A.ORGANIZATION_CREATED,
                    _A.ORGANIZATION_RENAMED,
                    _A.SETTINGS_CHANGED,
                    _A.DELETION_ASKED,
                    _A.DELETION_UNDONE,
                    _A.ORGANIZATION_CLOSED,
                    _A.EXPORT_ASKED,
                    _A.EXPORT_FETCHED,
                    _A.SUSPENDED,
                    _A.RESUMED,
                    _A.LIMITS_CHANGED,
                    _A.IMAGE_TAKEN_DOWN,
                    _A.IMAGES_DELETED,
                    _A.TASK_RETRIED,
                    _A.TASK_CANCELED,
                    *(action for action in _A if action.value.startswith("shop_")),
                }
            ),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be seen, each empty for everything. `actor`: operator, keys, or as rows name a person; days in UTC,
    both included.
    """

    group: str = ""
    actor: str = ""
    since: datetime.date | None = None
    until: datetime.date | None = None

    def rows(self, organization: Organization) -> QuerySet[AuditEvent]:
        """Newest first."""
        found = AuditEvent.objects.filter(organization=organization).select_related("origin").order_by("-pk")
        if self.group:
            found = found.filter(action__in=GROUPS[self.group][1])
        if self.actor == "operator":
            found = found.filter(Q(actor__startswith=OPERATOR[0]) | Q(actor=OPERATOR[1]))
        elif self.actor == "keys":
            found = found.filter(actor__startswith="key:")
        elif self.actor:
            found = found.filter(actor=self.actor)
        if self.since is not None:
            found = found.filter(created_at__gte=_midnight(self.since))
        if self.until is not None:
            found = found.filter(created_at__lt=_midnight(self.until) + datetime.timedelta(days=1))
        return found


@dataclass(frozen=True, slots=True)
class Line:
    """An event in words."""

    event: AuditEvent
    action: str
    actor: str
    subject: str
    details: str
    note: str
    address: str
    agent: str


def lines(organization: Organization, events: Sequence[AuditEvent]) -> list[Line]:
    """Five queries at most, however many events. What operators noted is theirs, and not shown here."""
    names = _Names(organization, {name for event in events for name in (event.actor, event.subject)})
    return [_line(event, names) for event in events]


def page(
    organization: Organization, wanted: Wanted, before: int | None = None
) -> tuple[list[Line], int | None]:
    """The newest PAGE with ids below `before`, and before which id the next ones are."""
    rows = wanted.rows(organization)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: PAGE + 1])
    return lines(organization, found[:PAGE]), found[PAGE - 1].pk if len(found) > PAGE else None


def as_csv(organization: Organization, wanted: Wanted) -> Iterator[str]:
    """All of it, in parts: nothing is held in memory, and no connection while a part is on its way."""
    yield _csv([COLUMNS])
    before: int | None = None
    while True:
        rows = wanted.rows(organization)
        found = list(rows[:BATCH] if before is None else rows.filter(pk__lt=before)[:BATCH])
        part = _csv(_columns(line) for line in lines(organization, found))
        let_go()
        yield part
        if len(found) < BATCH:
            return
        before = found[-1].pk


def is_operator(actor: str) -> bool:
    """Whose notes and whereabouts are not the organization's to know. The shop itself counts as one."""
    return actor.startswith(OPERATOR)


def without_staff(name: str) -> str:
    """As organizations may know it: that it was an operator, not which."""
    return "staff" if name.startswith(OPERATOR[0]) else name


def defused(text: str) -> str:
    """With a sign in front that spreadsheets take for "this is text", where one would compute it otherwise."""
    return f"'{text}" if text.lstrip(" ").startswith(_BEGINS_A_FORMULA) else text


# --- Names --------------------------------------------------------------------------------------


class _Names:
    """Who and what ids stand for, as it is now."""

    def __init__(self, organization: Organization, ids: set[str]) -> None:
        people = {parsed for name in ids if (parsed := _person_in(name)) is not None}
        users = {user.uuid: user for user in User.objects.filter(uuid__in=people)} if people else {}
        memberships = Membership.objects.filter(organization=organization, user__in=users.values())
        members = set(memberships.values_list("user__uuid", flat=True)) if users else set()
        self._people = {one: _name_of(one, users.get(one), one in members) for one in people}
        keys = {name.removeprefix("key:") for name in ids if name.startswith("key:")}
        found = ApiKey.objects.filter(organization=organization, public_id__in=keys)
        self._keys = dict(found.values_list("public_id", "prefix")) if keys else {}

    def __call__(self, name: str) -> str:
        kind, _colon, rest = name.partition(":")
        if name == "system":
            return _("the shop")
        if name == NOBODY:
            return str(NOBODY_IN_WORDS)
        if kind == "staff":
            return _("an operator")
        if kind.startswith("inv_"):
            return _("invitation …%(id)s") % {"id": kind[-4:]}
        if kind == "key":
            return _("key %(prefix)s…") % {"prefix": self._keys[rest]} if rest in self._keys else _("a key")
        person = _person_in(name)
        return name if person is None else self._people[person]


def _person_in(name: str) -> uuid.UUID | None:
    kind, _colon, rest = name.partition(":")
    try:
        return uuid.UUID(rest) if kind == "user" else None
    except ValueError:
        return None


def _name_of(person: uuid.UUID, user: User | None, is_member: bool) -> str:
    """Addresses of those who have left are no longer their organization's business; two of them stay two."""
    if user is None or user.erased_at is not None:
        return _("an erased person")
    return user.email if is_member else _("a former member (%(id)s)") % {"id": str(person)[:4]}


# --- Words --------------------------------------------------------------------------------------


def _line(event: AuditEvent, names: _Names) -> Line:
    origin: AuditOrigin | None = getattr(event, "origin", None)  # it may have been erased, or never been
    is_by_operator = is_operator(event.actor)
    return Line(
        event=event,
        action=str(AuditAction(event.action).label) if event.action in AuditAction.values else event.action,
        actor=names(event.actor),
        subject=names(event.subject),
        details=audit_words.told(event.action, event.details),
        note=origin.note if origin and not is_by_operator else "",
        # An operator's is not the organization's to know.
        address=origin.address or "" if origin and not is_by_operator else "",
        agent=origin.agent if origin and not is_by_operator else "",
    )


def _columns(line: Line) -> Sequence[str]:
    event = line.event
    return (
        str(event.pk),
        event.created_at.isoformat(),
        event.action,
        line.actor,
        without_staff(event.actor),
        line.subject,
        without_staff(event.subject),
        json.dumps(event.details, ensure_ascii=False, sort_keys=True),
        line.note,
        line.address,
        line.agent,
    )


def _csv(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([defused(field) for field in row] for row in rows)
    return text.getvalue()


def _midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), datetime.UTC)
