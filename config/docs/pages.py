"""The docs for customers: a guide, and the reference that is made from the OpenAPI document."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext_lazy as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from accounts import shops
from accounts.clock import db_now
from accounts.code_samples import LANGUAGES
from accounts.connections import AWAY
from accounts.errors import NotFound
from accounts.models import User
from accounts.pages import current_access
from config.docs import errors, openapi, reference, snippets
from config.docs.cures import CURES
from generations.api.v1_fields import MAX_METADATA_BYTES, MAX_METADATA_DEPTH
from generations.messages import ERROR_MESSAGES
from generations.request import ASPECT_RATIOS, MAX_N
from webhooks.event_types import EVENT_TYPES

SCHEMA_LIFE_S = 300


@dataclass(frozen=True, slots=True)
class Page:
    slug: str  # "" is the first one
    title: Any

    @property
    def name(self) -> str:
        return f"docs_{self.slug or 'start'}".replace("-", "_")

    @property
    def address(self) -> str:
        return reverse(self.name)


PAGES = (
    Page("", _("Quick start")),
    Page("authentication", _("Authentication")),
    Page("generate", _("Order an image")),
    Page("status", _("Ask for it")),
    Page("v1", _("Version 1")),
    Page("errors", _("Errors")),
    Page("limits", _("Limits")),
    Page("idempotency", _("Ordering once")),
    Page("webhooks", _("Webhooks")),
    Page("openai", _("OpenAI clients")),
    Page("test-keys", _("Test keys")),
    Page("reference", _("Reference")),
    Page("changelog", _("Changes")),
)
V1_CALLS = (
    (
        "GET /api/v1/generations",
        _("Your orders, by `status`, `model`, `key`, `created_after` and `created_before`."),
    ),
    ("GET /api/v1/generations/{id}/receipt", _("What was held, tried, charged and returned for an order.")),
    ("GET /api/v1/models", _("What is sold, with prices in credits.")),
    ("POST /api/v1/estimate", _("What an order would cost: the same body, and nothing is made.")),
    (
        "GET /api/v1/balance",
        _("Credits that are available, held and owed, and how many images they are enough for."),
    ),
    ("GET /api/v1/ledger", _("Every entry that changed the balance.")),
    ("GET /api/v1/usage", _("Orders, credits and seconds by day, key and model.")),
    ("/api/v1/keys", _("Keys: make, change, rotate and revoke them. Needs the scope `admin`.")),
    (
        "/api/v1/webhook-endpoints",
        _("Who is told of what happens, and the log of it. Needs the scope `admin`."),
    ),
)


@require_safe
@gzip_page  # the reference alone has more than a page may weigh; Django hides tokens in it from who counts bytes
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """`?in=python` shows that language first."""
    wanted = request.GET.get("in", "")
    language = wanted if wanted in LANGUAGES else "curl"
    prefix = test_key_prefix(request)
    key = f"{prefix}..." if prefix else openapi.KEY_PLACEHOLDER
    address = shops.here(request)
    this = next(one for one in PAGES if one.slug == slug)
    context = {
        "here": "docs",
        "docs_path": reverse("docs_start"),
        "pages": PAGES,
        "this": this,
        "languages": LANGUAGES.items(),
        "language": language,
        "address": address,
        "prefix": prefix,
        "key": key,
        "code": snippets.all_code(address, key, language),
        **_more(request, slug, key, language),
    }
    return render(request, f"docs/{(slug or 'start').replace('-', '_')}.html", context)


def _more(request: HttpRequest, slug: str, key: str, language: str) -> dict[str, Any]:
    """What a page shows of the code itself."""
    ordering = settings.RATE_LIMIT_BURST, settings.RATE_LIMIT_PER_MINUTE
    reading = settings.RATE_LIMIT_READ_BURST, settings.RATE_LIMIT_READ_PER_MINUTE
    lifetimes = {"days": settings.RETENTION_DAYS, "link_hours": settings.IMAGE_LINK_SECONDS // 3600}
    made: dict[str, Callable[[], dict[str, Any]]] = {
        "": lambda: lifetimes,
        "status": lambda: {**lifetimes, "failures": _failures()},
        "v1": lambda: {
            "max_n": MAX_N,
            "metadata_bytes": MAX_METADATA_BYTES,
            "metadata_depth": MAX_METADATA_DEPTH,
            "calls": V1_CALLS,
        },
        "generate": lambda: {"shapes": ASPECT_RATIOS.items()},
        "errors": lambda: {"errors": errors.catalogue()},
        "limits": lambda: {
            "rates": [("create", ordering), ("read", reading)],
            "open_tasks": settings.MAX_OPEN_TASKS,
        },
        "webhooks": lambda: {"event_types": EVENT_TYPES.items()},
        "reference": lambda: {
            "groups": reference.groups(_document(request), shops.here(request), key, language)
        },
    }
    return made.get(slug, dict)()


def _failures() -> list[tuple[str, Any]]:
    """`error_message` of a task that failed, and what to do."""
    return [(text, CURES[word]) for word, text in ERROR_MESSAGES.items()]


def test_key_prefix(request: HttpRequest) -> str:
    """How the newest test key of the reader's organization begins; keys themselves are nowhere to be had."""
    with suppress(*AWAY, NotFound):
        if isinstance(request.user, User):
            access = current_access(request, request.user)
            usable = access.organization.api_keys.filter(livemode=False, revoked_at=None, frozen_at=None)
            usable = usable.filter(Q(expires_at=None) | Q(expires_at__gt=db_now()))
            return usable.order_by("-pk").values_list("prefix", flat=True).first() or ""
    return ""


@require_safe
def error(request: HttpRequest, word: str) -> HttpResponse:
    """Where `type` of a problem leads to."""
    if word not in CURES:
        raise Http404
    return HttpResponseRedirect(f"{reverse('docs_errors')}#{word}")


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    text = json.dumps(_document(request), ensure_ascii=False, separators=(",", ":"))
    response = HttpResponse(text, content_type="application/json")
    patch_cache_control(response, public=True, max_age=SCHEMA_LIFE_S)
    return response


def _document(request: HttpRequest) -> dict[str, Any]:
    shop = shops.shop_of(request)
    publisher = openapi.Publisher(shop.name, shops.here(request), shop.support_email, shop.terms_url)
    return openapi.document(publisher)
