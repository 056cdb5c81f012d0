"""What requests to version 1 say: bodies without unknown fields, pages of lists."""

import datetime
from typing import Any

from django.db.models import Model, QuerySet
from django.db.models.functions import Abs
from rest_framework.request import Request

from accounts.api import json_object
from accounts.errors import InvalidField

USUAL_LIMIT, MOST = 20, 100
LONGEST_TIME = 40


def fields_of(request: Request, known: set[str]) -> dict[str, Any]:
    """Raises InvalidJson, InvalidField."""
    body = json_object(request)
    for name in body:
        if name not in known:
            # Repeated only if an answer can hold it.
            shown = name[:100] if name.isascii() and name.isprintable() else None
            raise InvalidField("There is no such field", param=shown or None)
    return body


def moment(value: object, param: str) -> datetime.datetime:
    """A time with its zone. Raises InvalidField."""
    try:
        if not isinstance(value, str) or len(value) > LONGEST_TIME:
            raise ValueError
        found = datetime.datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise ValueError
        return found.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise InvalidField("A time with its zone, such as 2027-01-31T12:00:00Z", param=param) from None


def page(request: Request, rows: "QuerySet[Any]", *, known: "QuerySet[Any]") -> tuple[list[Any], str | None]:
    """Newest first, and the cursor of the next page: `?limit=` 1–100, `?cursor=` as the answer before gave it.

    `known`: all that a cursor may name. One that the filters no longer find, or that was deleted meanwhile, still
    tells where the page before ended. Raises InvalidField.
    """
    limit = _limit(request.GET.get("limit"))
    cursor = request.GET.get("cursor")
    if cursor is not None:
        is_sane = cursor.isascii() and cursor.isprintable()
        last: Model | None = known.filter(public_id=cursor).first() if is_sane else None
        if last is None:
            raise InvalidField(param="cursor")
        rows = rows.alias(number=Abs("id")).filter(number__lt=last.pk)
    found = list(rows.order_by(Abs("id").desc())[: limit + 1])
    shown = found[:limit]
    return shown, shown[-1].public_id if len(found) > limit else None


def listed(data: list[dict[str, Any]], next_cursor: str | None) -> dict[str, Any]:
    return {"object": "list", "data": data, "next_cursor": next_cursor}


def _limit(text: str | None) -> int:
    if text is None:
        return USUAL_LIMIT
    if text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MOST:
        return int(text)
    raise InvalidField(param="limit")
