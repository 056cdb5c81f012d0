"""The pages of keys: a list for everybody who belongs, forms for those who may manage them.

A new key's secret is in the answer to the form that made it, and nowhere else: handed over by way of the session, it
would lie in the database, and in its backups, until somebody looked. That answer is not stored by browsers. Reloading
it sends the form again, which makes nothing: the form names the id that the key was to have, and that is taken; a key
that was rotated cannot be rotated again.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Access
from accounts.api_keys import (
    KEY_ID,
    MAX_LIVE_KEYS,
    KeyEnded,
    KeyFrozen,
    MadeAlready,
    TooManyKeys,
    ended_keys,
    live_keys,
)
from accounts.clock import read_db_now
from accounts.errors import DomainError, OrganizationSuspended
from accounts.models import SCOPES, ApiKey
from accounts.pages import member_page, right_page
from accounts.rates import key_rate
from accounts.roles import Right
from accounts.shops import here
from accounts.views.gates import asked_first, kept_form
from billing import reads
from config.keys import service
from config.keys.draft import Draft
from config.keys.forms import SCOPE_WORDS, KeyForm, RotateForm

PAGE = 25
_FORM_ID = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class Row:
    """A key in words."""

    key: ApiKey
    spending: reads.KeySpending
    state: str  # live, ending, frozen, expired, revoked
    scopes: list[Any]
    rate: str

    @property
    def has_ended(self) -> bool:
        return self.state in ("expired", "revoked")

    @property
    def sums(self) -> list[tuple[Any, int, int | None]]:
        """Of each period: its name, what was spent, and the cap."""
        of = self.spending
        return [
            (_("today"), of.day, of.day_cap),
            (_("this month"), of.month, of.month_cap),
            (_("in all"), of.lifetime, of.lifetime_cap),
        ]


@require_safe
@member_page
def keys_page(request: HttpRequest, access: Access) -> HttpResponse:
    """`?show=ended`: those that were revoked or have expired. `?after=`: the id of the last key of the page before."""
    shows_ended = request.GET.get("show") == "ended"
    keys = (ended_keys if shows_ended else live_keys)(access.organization)
    keys = keys.select_related("created_by", "replaced_by").order_by("-pk")
    after = request.GET.get("after", "")
    if KEY_ID.fullmatch(after):
        last = access.organization.api_keys.filter(public_id=after).first()
        keys = keys.filter(pk__lt=last.pk) if last else keys
    found = list(keys[: PAGE + 1])
    context = {
        "access": access,
        "here": "keys",
        "rows": _rows(found[:PAGE]),
        "shows_ended": shows_ended,
        "next_after": found[PAGE - 1].public_id if len(found) > PAGE else None,
        "is_first": not after,
        "may_manage": Right.KEYS in access.rights,
        "most_keys": MAX_LIVE_KEYS,
    }
    return render(request, "keys/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@right_page(Right.KEYS)
def new_key(request: HttpRequest, access: Access) -> HttpResponse:
    form_id = request.POST.get("form_id", "")
    if not _FORM_ID.fullmatch(form_id):
        form_id = secrets.token_hex(12)
    sent = request.POST if request.method == "POST" else None
    form = KeyForm(sent, access=access, kept=kept_form(request))
    context: dict[str, Any] = {"access": access, "here": "keys", "form": form, "form_id": form_id}
    status = 400 if form.errors else 200
    asked = _asked_first(request, form)
    if asked is not None:
        return asked
    if form.is_valid():
        livemode = form.cleaned_data["livemode"] == "live"
        try:
            made = service.create(access, form.draft, livemode=livemode, public_id=f"key_{form_id}")
        except MadeAlready:
            return _shown_once(request, access)
        except (OrganizationSuspended, TooManyKeys) as error:
            context["problem"], status = error.in_short, error.status
        else:
            return _shown(request, access, *made)
    return render(request, "keys/new.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@right_page(Right.KEYS)
def key_page(request: HttpRequest, access: Access, key_id: str) -> HttpResponse:
    key = service.find(access, key_id)
    was = Draft.of(key, service.spending_of(key))
    sent = request.POST if request.method == "POST" else None
    form = KeyForm(sent, access=access, was=was, kept=kept_form(request))
    asked = _asked_first(request, form)
    if asked is not None:
        return asked
    if form.is_valid():
        try:
            service.change(access, key, form.draft, was)
        except (KeyEnded, KeyFrozen) as error:
            return _key(request, access, key, form, problem=error)
        messages.success(request, _("Saved. It counts from the next request on."))
        return redirect("keys")
    return _key(request, access, key, form, status=400 if form.errors else 200)


@require_POST
@right_page(Right.KEYS)
def rotate(request: HttpRequest, access: Access, key_id: str) -> HttpResponse:
    key = service.find(access, key_id)
    if key.replaced_by_id is not None:
        return _shown_once(request, access)
    form = RotateForm(request.POST)
    if not form.is_valid():
        return _key(request, access, key, rotate_form=form, status=400)
    if "admin" in key.scopes:
        asked = asked_first(request, back_to=reverse("key", args=[key_id]))
        if asked is not None:
            return asked
    try:
        made = service.rotate(access, key, form.length)
    except (KeyEnded, TooManyKeys) as error:
        return _key(request, access, service.find(access, key_id), problem=error)
    return _shown(request, access, *made, old=service.find(access, key_id))


@require_POST
@right_page(Right.KEYS)
def revoke(request: HttpRequest, access: Access, key_id: str) -> HttpResponse:
    key = service.find(access, key_id)
    try:
        service.revoke(access, key)
    except KeyEnded as error:
        return _key(request, access, key, problem=error)
    words = _("%(prefix)s… is revoked: requests with it are refused from now on.")
    messages.success(request, words % {"prefix": key.prefix})
    return redirect("keys")


def _asked_first(request: HttpRequest, form: KeyForm) -> HttpResponse | None:
    """Who hands out a key that manages others shows first that it is them; the form waits for them meanwhile."""
    return asked_first(request, keeps=form.fields) if form.is_valid() and form.gives_admin else None


def _key(
    request: HttpRequest,
    access: Access,
    key: ApiKey,
    form: KeyForm | None = None,
    *,
    rotate_form: RotateForm | None = None,
    problem: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    [row] = _rows([key])
    manages_it = "admin" not in key.scopes or "admin" in access.scopes
    context = {
        "access": access,
        "here": "keys",
        "row": row,
        "form": form or KeyForm(access=access, was=Draft.of(key, row.spending)),
        "rotate_form": rotate_form or RotateForm(),
        "may_change": manages_it and row.state == "live" and not key.replaced_by,
        "may_rotate": set(key.scopes) <= access.scopes
        and row.state in ("live", "frozen")
        and not key.replaced_by,
        "manages_it": manages_it,
        "problem": problem.in_short if problem else "",
    }
    return render(request, "keys/key.html", context, status=problem.status if problem else status)


def _shown(
    request: HttpRequest, access: Access, key: ApiKey, secret: str, old: ApiKey | None = None
) -> HttpResponse:
    """The one time that the secret is seen."""
    context = {
        "access": access,
        "here": "keys",
        "key": key,
        "secret": secret,
        "old": old,
        "old_row": _rows([old])[0] if old else None,
        "curl": _curl(here(request), key, secret),
    }
    return render(request, "keys/secret.html", context)


def _shown_once(request: HttpRequest, access: Access) -> HttpResponse:
    return render(request, "keys/shown_once.html", {"access": access, "here": "keys"}, status=409)


def _curl(address: str, key: ApiKey, secret: str) -> str:
    """A line that works at once, with what this key may do."""
    authorization = f'-H "Authorization: Bearer {secret}"'
    if "generate" in key.scopes:
        body = (
            """-H "Content-Type: application/json" -d '{"prompt":"a fox in the snow","aspect_ratio":"1:1"}'"""
        )
        return f"curl {address}/api/generate {authorization} {body}"
    if "admin" in key.scopes:
        return f"curl {address}/api/v1/keys {authorization}"
    return f'curl "{address}/api/status?task_id=task_…" {authorization}'


def _rows(keys: list[ApiKey]) -> list[Row]:
    spending, now = reads.key_spending(keys), read_db_now()
    return [
        Row(
            key,
            spending[key.pk],
            _state(key, now),
            [SCOPE_WORDS[scope][0] for scope in SCOPES if scope in key.scopes],
            _rate(key),
        )
        for key in keys
    ]


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= now:
        return "expired"
    if key.frozen_at is not None:
        return "frozen"
    return "ending" if key.replaced_by_id is not None else "live"


def _rate(key: ApiKey) -> str:
    rate = key_rate(key)
    return _("%(rate)s orders a minute, %(burst)s at once") % {"rate": rate.per_minute, "burst": rate.burst}
