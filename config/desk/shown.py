"""Which shop the platform's staff looks at: all of them, or one, for as long as their session lasts."""

from typing import Any

from django.contrib.admin import site
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _

from accounts.desk.rows import there_are_several
from accounts.desk.scope import CHOSEN, scope_of
from accounts.models import Shop, ShopDomain

MOST = 50
# Of which there is one for every shop; a row of one shop is nowhere in another.
EVERYWHERE = frozenset({"index", "staff", "generations_margin", "generations_leakage"})


def context(request: HttpRequest) -> dict[str, Any]:
    """For the line on top of each page; nothing where there is no choice."""
    if not there_are_several(request):
        return {}
    scope = scope_of(request)
    return {"desk_switches": True, "desk_shown": Shop.objects.filter(pk=scope).first() if scope else None}


def shown_view(request: HttpRequest) -> HttpResponse:
    """GET looks for shops, POST shows one, or all."""
    if request.method == "POST":
        _choose(request, request.POST.get("shop", ""))
        return HttpResponseRedirect(_back_to(request.POST.get("next", "")))
    term = request.GET.get("q", "").strip()[:80]
    found = list(_found(term)[: MOST + 1])
    shown = {
        **site.each_context(request),
        "title": _("Which shop"),
        "q": term,
        "found": found[:MOST],
        "more": len(found) > MOST,
        "next": _back_to(request.GET.get("next", "")),
    }
    return TemplateResponse(request, "admin/shown.html", shown)


def _found(term: str) -> "QuerySet[Shop]":
    """By name, short name or domain."""
    rows = Shop.objects.order_by("name", "pk")
    if not term:
        return rows
    domains = ShopDomain.objects.filter(shop=OuterRef("pk"), host__icontains=term.lower())
    return rows.filter(Q(name__icontains=term) | Q(slug__icontains=term) | Exists(domains))


def _choose(request: HttpRequest, text: str) -> None:
    if not text:
        request.session.pop(CHOSEN, None)
        return
    is_number = text.isascii() and text.isdecimal() and len(text) < 19
    if not is_number or not Shop.objects.filter(pk=int(text)).exists():
        raise Http404
    request.session[CHOSEN] = int(text)


def _back_to(path: str) -> str:
    """The same list of the other shop, without its filters; else the first page."""
    index = reverse("admin:index")
    try:
        match = resolve(path) if path.startswith(index) else None
    except Resolver404:
        match = None
    name = (match.url_name if match else None) or ""
    return path if name.endswith("_changelist") or name in EVERYWHERE else index
