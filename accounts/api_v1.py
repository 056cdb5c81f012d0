"""What the endpoints of version 1 share: what is unknown is refused, lists have one shape, times have zones."""

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Abs
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from accounts import cursors
from accounts.access import Access, access_of
from accounts.api import ApiView, json_object
from accounts.errors import InvalidField

USUAL_LIMIT, MOST = 20, 100
LONGEST_TIME = 40
YEARS = range(2, 9999)  # any zone can still write it, and an hour more or less as well
LIST_PARAMETERS = frozenset({"cursor", "limit"})
NO_SUCH_FIELD = _("There is no such field")
NO_SUCH_PARAMETER = _("There is no such parameter")
NOT_A_TIME = _("A time with its zone, such as 2027-01-31T12:00:00Z; a + is written %2B in an address")
NOT_A_DATE = _("A day (UTC), such as 2027-01-31")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class V1View(ApiView):
    """`parameters` that a GET knows; any other is refused, since a filter that is not applied misleads."""

    parameters: frozenset[str] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        known = self.parameters if request.method in ("GET", "HEAD") else frozenset[str]()
        for name, values in request.GET.lists():
            if name not in known:
                raise InvalidField(NO_SUCH_PARAMETER, param=shown(name) or None)
            if len(values) > 1:
                raise InvalidField(_("Given more than once"), param=name)


def known_fields(body: Any, known: set[str] | frozenset[str], within: str = "") -> dict[str, Any]:
    """The object `body` if it has no other fields. Raises InvalidField, naming the first."""
    if not isinstance(body, dict):
        raise InvalidField(_("%(name)s is a JSON object") % {"name": within}, param=within)
    for name in body:
        if name not in known:
            raise InvalidField(NO_SUCH_FIELD, param=".".join(filter(None, (within, shown(name)))) or None)
    return body


def no_fields(request: Request) -> None:
    """For what needs no body: none, or an empty object."""
    if request._request.body:
        known_fields(json_object(request), frozenset())


def shown(name: str) -> str:
    """A name that a client made up, as far as an answer can hold it."""
    return name[:100] if name.isascii() and name.isprintable() else ""


# --- Lists --------------------------------------------------------------------------------------


def limit_in(request: Request) -> int:
    text = request.GET.get("limit")
    if text is None:
        return USUAL_LIMIT
    if text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MOST:
        return int(text)
    raise InvalidField(_("A whole number from 1 to 100"), param="limit")


def position_in(request: Request, listed: str) -> int | None:
    return cursors.read(access_of(request), listed, request.GET.get("cursor"))


def list_of(
    access: Access, listed: str, data: Sequence[Mapping[str, Any]], position: int | None
) -> dict[str, Any]:
    return list_data(data, cursors.make(access, listed, position))


def list_data(data: Sequence[Mapping[str, Any]], next_cursor: str | None = None) -> dict[str, Any]:
    return {"object": "list", "data": data, "next_cursor": next_cursor}


def page_by_id(
    request: Request, rows: "QuerySet[Any]", *, known: "QuerySet[Any]"
) -> tuple[list[Any], str | None]:
    """Newest first, and the cursor of the next page: the public id of the last row, where that may be seen.

    `known`: all that a cursor may name. One that the filters no longer find, or that was deleted meanwhile, still
    tells where the page before ended. Raises InvalidField.
    """
    limit = limit_in(request)
    cursor = request.GET.get("cursor")
    if cursor is not None:
        last = known.filter(public_id=cursor).first() if shown(cursor) == cursor else None
        if last is None:
            raise InvalidField(cursors.NOT_A_CURSOR, param="cursor")
        rows = rows.alias(number=Abs("id")).filter(number__lt=last.pk)
    found = list(rows.order_by(Abs("id").desc())[: limit + 1])
    page = found[:limit]
    return page, page[-1].public_id if len(found) > limit else None


# --- Times --------------------------------------------------------------------------------------


def moment(value: Any, param: str) -> datetime.datetime | None:
    """The time that was sent, None for none. Raises InvalidField, also without a zone."""
    if value is None:
        return None
    found = any_moment(value, param)
    if found.year not in YEARS:
        raise InvalidField(NOT_A_TIME, param=param)
    return found


def any_moment(value: Any, param: str) -> datetime.datetime:
    """The same of any year, for what is only compared."""
    try:
        if not isinstance(value, str) or len(value) > LONGEST_TIME:
            raise ValueError
        found = datetime.datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise ValueError
        return found.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise InvalidField(NOT_A_TIME, param=param) from None


def day(text: str | None, param: str) -> datetime.date | None:
    """A day in UTC, None for none. Raises InvalidField."""
    if text is None:
        return None
    try:
        found = datetime.date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or found.year not in YEARS:
        raise InvalidField(NOT_A_DATE, param=param)
    return found
