"""`/api/v1/keys`: what the page of keys does, for programs that have a key with the scope `admin`."""

import datetime
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Access, access_of
from accounts.api import json_object
from accounts.api_keys import LONGEST_OVERLAP, USUAL_OVERLAP, KeyEnded, KeyFrozen, TooManyKeys
from accounts.api_v1 import LIST_PARAMETERS, V1View, known_fields, list_data, moment, page_by_id
from accounts.documented import PAGE, documented, listing
from accounts.errors import InvalidField, MissingField
from accounts.models import ApiKey
from accounts.rates import key_rate
from accounts.times import time_text
from billing import reads
from config.keys import schemas, service
from config.keys.draft import CAPS, Draft, Invalid

_CAPS = {name.removesuffix("_cap"): name for name in CAPS}
_NUMBERS = ("rate_per_minute", "burst", "max_open_tasks")
_SETTABLE = {"name", "scopes", "expires_at", "allowed_addresses", *_NUMBERS, "spend_caps"}


class KeysView(V1View):
    required_scope = "admin"
    parameters = LIST_PARAMETERS

    @documented(
        "list_keys",
        "List keys",
        tag="Keys",
        description="Newest first, those that have ended too. A test key sees test keys alone.",
        parameters=PAGE,
        answer=listing(schemas.KEY),
    )
    def get(self, request: Request) -> Response:
        """Newest first, those that have ended too. `?limit=` 1–100, `?cursor=` as the answer before gave it."""
        access = access_of(request)
        keys = access.organization.api_keys.select_related("replaced_by")
        if not access.livemode:
            keys = keys.filter(livemode=False)
        shown, cursor = page_by_id(request, keys, known=keys)
        spending = reads.key_spending(shown)
        most = reads.open_limit(access.organization.pk)
        return Response(list_data([key_data(key, spending[key.pk], most) for key in shown], cursor))

    @documented(
        "create_key",
        "Create a key",
        tag="Keys",
        description="`secret` is in this answer alone.",
        body=schemas.CREATE,
        example={"name": "build server", "scopes": ["generate", "read"]},
        answer=schemas.NEW_KEY,
        errors=[TooManyKeys],
    )
    def post(self, request: Request) -> Response:
        access = access_of(request)
        body = known_fields(json_object(request), _SETTABLE | {"livemode"})
        for field in ("name", "scopes"):
            if body.get(field) is None:
                raise MissingField(param=field)
        livemode = body.pop("livemode", None)
        if livemode is None:
            livemode = access.livemode
        if not isinstance(livemode, bool):
            raise InvalidField(_("livemode is true or false"), param="livemode")
        try:
            key, secret = service.create(access, _draft(body, Draft()), livemode=livemode)
        except Invalid as error:
            raise _first(error) from None
        return Response(_answer(access, key) | {"secret": secret})


class KeyView(V1View):
    required_scope = "admin"

    @documented("read_key", "Read a key", tag="Keys", parameters=[schemas.KEY_ID], answer=schemas.KEY)
    def get(self, request: Request, key_id: str) -> Response:
        access = access_of(request)
        return Response(_answer(access, service.find(access, key_id)))

    @documented(
        "change_key",
        "Change a key",
        tag="Keys",
        body=schemas.CHANGE,
        example={"name": "build server", "spend_caps": {"month": 5000}},
        parameters=[schemas.KEY_ID],
        answer=schemas.KEY,
        errors=[KeyEnded, KeyFrozen],
    )
    def patch(self, request: Request, key_id: str) -> Response:
        """What is not named stays; null takes a limit back."""
        access = access_of(request)
        key = service.find(access, key_id)
        was = Draft.of(key, service.spending_of(key))
        draft = _draft(known_fields(json_object(request), _SETTABLE), was)
        try:
            service.change(access, key, draft, was)
        except Invalid as error:
            raise _first(error) from None
        return Response(_answer(access, service.find(access, key_id)))

    @documented(
        "revoke_key",
        "Revoke a key",
        tag="Keys",
        description="It works no longer, and stays in the list.",
        parameters=[schemas.KEY_ID],
        answer=schemas.KEY,
        errors=[KeyEnded],
    )
    def delete(self, request: Request, key_id: str) -> Response:
        """Revokes it. It stays in the list."""
        access = access_of(request)
        service.revoke(access, service.find(access, key_id))
        return Response(_answer(access, service.find(access, key_id)))


class RotateView(V1View):
    required_scope = "admin"
    needs_no_body = True

    @documented(
        "rotate_key",
        "Rotate a key",
        tag="Keys",
        description="Makes a new key with the same limits, and lets the old one work on for a while. The body may be "
        "missing.",
        body=schemas.ROTATE,
        body_required=False,
        example={"overlap_seconds": 3600},
        parameters=[schemas.KEY_ID],
        answer=schemas.NEW_KEY,
        errors=[KeyEnded, TooManyKeys],
    )
    def post(self, request: Request, key_id: str) -> Response:
        """The new key, with its secret."""
        access = access_of(request)
        key = service.find(access, key_id)
        body = known_fields(json_object(request), {"overlap_seconds"}) if request._request.body else {}
        seconds = body.get("overlap_seconds")
        if seconds is None:
            seconds = int(USUAL_OVERLAP.total_seconds())
        most = int(LONGEST_OVERLAP.total_seconds())
        if not _is_whole(seconds) or not 0 <= seconds <= most:
            raise InvalidField(
                _("A whole number from 0 to %(most)d") % {"most": most}, param="overlap_seconds"
            )
        new, secret = service.rotate(access, key, datetime.timedelta(seconds=seconds))
        return Response(_answer(access, new) | {"secret": secret})


# --- Answers ------------------------------------------------------------------------------------


def key_data(key: ApiKey, spending: reads.KeySpending, most_open: int) -> dict[str, Any]:
    """Limits as they are in force. `most_open`: how many tasks the organization may have open."""
    rate = key_rate(key)
    open_limit = spending.open_limit
    if open_limit is None and not key.livemode:
        open_limit = settings.MAX_OPEN_TASKS
    return {
        "id": key.public_id,
        "object": "key",
        "livemode": key.livemode,
        "prefix": key.prefix,
        "name": key.name,
        "scopes": key.scopes,
        "expires_at": time_text(key.expires_at),
        "allowed_addresses": key.allowed_addresses,
        "rate_per_minute": rate.per_minute,
        "burst": rate.burst,
        "max_open_tasks": most_open if open_limit is None else open_limit,
        "spend_caps": {period: getattr(spending, cap) for period, cap in _CAPS.items()},
        "spent": {period: getattr(spending, period) for period in _CAPS},
        "last_used_at": time_text(key.last_used_at),
        "last_used_address": key.last_used_address,
        "created_at": time_text(key.created_at),
        "revoked_at": time_text(key.revoked_at),
        "frozen_at": time_text(key.frozen_at),
        "frozen_reason": key.frozen_reason or None,
        "replaced_by": key.replaced_by.public_id if key.replaced_by else None,
    }


def _answer(access: Access, key: ApiKey) -> dict[str, Any]:
    return key_data(key, service.spending_of(key), reads.open_limit(access.organization.pk))


def _first(error: Invalid) -> InvalidField:
    field, problem = next(iter(error.problems.items()))
    names = {cap: f"spend_caps.{period}" for period, cap in _CAPS.items()}
    return InvalidField(problem, param=names.get(field, field))


# --- Bodies -------------------------------------------------------------------------------------


def _draft(body: dict[str, Any], was: Draft) -> Draft:
    """`was` with what the body says; only types are looked at here. Raises InvalidField."""
    changes: dict[str, Any] = {}
    if "name" in body:
        if not isinstance(body["name"], str):
            raise InvalidField(_("name is a text"), param="name")
        changes["name"] = body["name"]
    for field in ("scopes", "allowed_addresses"):
        if field in body:
            changes[field] = _texts(body[field], field)
    if "expires_at" in body:
        changes["expires_at"] = moment(body["expires_at"], "expires_at")
    for field in _NUMBERS:
        if field in body:
            changes[field] = _number(body[field], field)
    if body.get("spend_caps") is not None:
        caps = known_fields(body["spend_caps"], set(_CAPS), "spend_caps")
        changes |= {_CAPS[period]: _number(value, f"spend_caps.{period}") for period, value in caps.items()}
    elif "spend_caps" in body:
        changes |= dict.fromkeys(CAPS)
    return replace(was, **changes)


def _texts(value: Any, field: str) -> tuple[str, ...]:
    # Ascii: what is wrong with an entry is said with it, and no good one has other signs.
    if not isinstance(value, list) or not all(isinstance(one, str) and one.isascii() for one in value):
        raise InvalidField(_("%(field)s is a list of texts in ASCII") % {"field": field}, param=field)
    return tuple(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any, field: str) -> int | None:
    if value is not None and not _is_whole(value):
        raise InvalidField(_("A whole number, or null"), param=field)
    number: int | None = value
    return number
