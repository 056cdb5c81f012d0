"""The desk's one search field: an id, an address or a short name leads to what it is of.

Only by indexes, so that it answers as fast among millions of rows; what a term looks like says where to look. A term
comes by POST: it may be an address, or a whole key, and neither belongs into the log of a proxy.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import site
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts import keys
from accounts.desk.rows import OfShop, there_are_several
from accounts.desk.scope import scope_of
from accounts.models import ApiKey, DataExport, Invitation, Organization, User
from accounts.organizations import full_slug, named
from billing.models import (
    LedgerEntry,
    Payment,
    Redemption,
    StripeAccount,
    StripeCustomer,
    StripeEvent,
    Voucher,
)
from generations.models import Attempt, Generation, Image, Upstream
from webhooks.models import WebhookDelivery, WebhookEndpoint

MOST_LENGTH = 255
MOST_OF_A_KIND = 10
_KEY = re.compile(r"tt_(live|test)_[0-9A-Za-z]*")
_REFERENCE = re.compile(r"[a-z]+:\S+")
_SLUG = re.compile(r"[a-z0-9-]+")

Rows = QuerySet[Any]


@dataclass(frozen=True, slots=True)
class Hit:
    """`kind`: of what, in words; `words`: what tells it from others."""

    kind: str
    title: str
    words: str
    path: str


def find(request: HttpRequest, term: str) -> list[Hit]:
    """What this operator may see of all that the term names, each once."""
    hits: dict[str, Hit] = {}
    of_all = scope_of(request) is None and there_are_several(request)
    for rows in _rows(term.strip()[:MOST_LENGTH]):
        desk = site.get_model_admin(rows.model)
        if isinstance(desk, OfShop) and desk.has_view_permission(request):
            for row in desk.in_scope(request, rows)[:MOST_OF_A_KIND]:
                hit = _hit(row, of_all=of_all)
                hits.setdefault(hit.path, hit)
    return list(hits.values())


def _rows(term: str) -> Iterator[Rows]:
    """Each a search by an index."""
    if not term or "\x00" in term:
        return
    for start, rows in BY_BEGINNING:
        if term.startswith(start):
            yield rows(term)
    if _KEY.match(term):
        yield ApiKey.objects.filter(prefix=term[: keys.SHOWN_LENGTH])
    elif "@" in term:
        yield User.objects.filter(email=User.objects.clean_email(term))
    elif (person := _person_in(term)) is not None:
        yield User.objects.filter(uuid=person)
    elif _REFERENCE.fullmatch(term):
        yield from _of_reference(term)
    else:
        yield from _others(term)


def _of_reference(reference: str) -> Iterator[Rows]:
    """What an entry of the ledger is for, and the entry."""
    cause, _colon, rest = reference.partition(":")
    name = rest.partition(":")[0]
    if cause == "generation":
        yield Generation.objects.filter(task_id=name)
    elif cause == "payment":
        yield Payment.objects.filter(public_id=name)
    elif cause == "voucher" and name.isdecimal() and len(name) < 19:
        yield Redemption.objects.filter(pk=int(name))
    elif cause == "key":
        yield ApiKey.objects.filter(public_id=name)
    elif cause == "welcome" and (person := _uuid(name)) is not None:
        yield User.objects.filter(uuid=person)
    yield LedgerEntry.objects.filter(reference=reference).order_by("pk")


def _others(term: str) -> Iterator[Rows]:
    """Ids that others chose, and short names."""
    yield Generation.objects.of_request(term).order_by("pk")
    upstreams = list(Upstream.objects.values_list("pk", flat=True))
    yield Attempt.objects.filter(upstream__in=upstreams, upstream_task_id=term).exclude(upstream_task_id="")
    slug = term.lower()
    if _SLUG.fullmatch(slug):
        yield named(slug)
        yield _begins(Organization.objects.order_by("slug"), "slug", slug)
    elif "/" in slug:
        yield named(slug)
    yield Voucher.objects.filter(code=term.upper())


def _begins(rows: Rows, name: str, text: str) -> Rows:
    """PostgreSQL has an index for LIKE; SQLite's compares bytes, and is used for ranges alone."""
    if connection.vendor == "postgresql":
        return rows.filter(**{f"{name}__startswith": text})
    return rows.filter(**{f"{name}__gte": text, f"{name}__lt": f"{text}\x7f"})


def _events(term: str) -> Rows:
    accounts = list(StripeAccount.objects.values_list("pk", flat=True))
    return StripeEvent.objects.filter(account__in=accounts, event_id=term)


def _of_customer(term: str) -> Rows:
    accounts = list(StripeAccount.objects.values_list("pk", flat=True))
    customers = StripeCustomer.objects.filter(account__in=accounts, customer_id=term)
    return Organization.objects.filter(
        pk__in=list(customers.values_list("organization", flat=True)[:MOST_OF_A_KIND])
    )


BY_BEGINNING: Sequence[tuple[str, Callable[[str], Rows]]] = (
    # With the number of an attempt behind it, as upstreams know it.
    ("task_", lambda term: Generation.objects.filter(task_id=term.partition(":")[0])),
    ("img_", lambda term: Image.objects.filter(public_id=term.partition(".")[0])),
    ("key_", lambda term: ApiKey.objects.filter(public_id=term)),
    ("pay_", lambda term: Payment.objects.filter(public_id=term)),
    ("cs_", lambda term: Payment.objects.filter(session_id=term)),
    ("pi_", lambda term: Payment.objects.filter(payment_intent_id=term)),
    ("re_", lambda term: Payment.objects.filter(refunds__refund_id=term)),
    ("evt_", _events),
    ("cus_", _of_customer),
    ("inv_", lambda term: Invitation.objects.filter(public_id=term)),
    ("exp_", lambda term: Organization.objects.filter(pk__in=_organizations_of_export(term))),
    ("we_", lambda term: WebhookEndpoint.objects.filter(public_id=term)),
    ("msg_", lambda term: WebhookDelivery.objects.filter(public_id=term)),
)


def _organizations_of_export(term: str) -> list[int]:
    return list(DataExport.objects.filter(public_id=term).values_list("organization_id", flat=True))


def _person_in(term: str) -> uuid.UUID | None:
    kind, colon, rest = term.partition(":")
    if colon and kind not in ("user", "staff"):
        return None
    return _uuid(rest if colon else term)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _hit(row: Model, *, of_all: bool) -> Hit:
    """`of_all`: rows of several shops are seen."""
    opts = row._meta
    words = ""
    match row:
        case Generation():
            words = f"{row.get_status_display()}, {row.created_at:%Y-%m-%d %H:%M} UTC"
        case Payment():
            words = f"{row.price}, {', '.join(row.standing)}"
        case Organization():
            words = full_slug(row) if of_all else row.slug
        case User():
            words = row.name
        case LedgerEntry():
            words = f"{row.created_at:%Y-%m-%d %H:%M} UTC"
        case ApiKey():
            words = row.organization.name
    path = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
    return Hit(capfirst(str(opts.verbose_name)), str(row), words, path)


def find_view(request: HttpRequest) -> HttpResponse:
    """GET shows the field, POST what was found; the row itself when it is one."""
    term = request.POST.get("term", "").strip() if request.method == "POST" else ""
    hits = find(request, term) if term else []
    if len(hits) == 1:
        return HttpResponseRedirect(hits[0].path)
    context = {**site.each_context(request), "title": _("Find"), "hits": hits, "term": shown(term)}
    return TemplateResponse(request, "admin/find.html", context)


def shown(term: str) -> str:
    """Without the secret of a key that somebody pasted."""
    return (
        f"{term[: keys.SHOWN_LENGTH]}…"
        if _KEY.match(term) and len(term) > keys.SHOWN_LENGTH
        else term[:MOST_LENGTH]
    )
