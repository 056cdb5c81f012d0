"""Pages for anybody, and what is drawn for them: the landing page, prices, colours, icons."""

from functools import cache
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from accounts import accent, logos
from accounts.models import Shop
from accounts.shops import here, shop_of
from accounts.signing import rules
from billing import welcome
from config import card as cards
from config import pricing as prices
from config.brand import brand_of
from generations import samples

DRAWN_LIFE_S = 31_536_000  # what has its content in its address
CARD_LIFE_S = 86_400
OVAL = "#f17324"  # in static/img/favicon.svg
HEX_DIGITS = set("0123456789abcdef")


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    shop = shop_of(request)
    shown, are_picked = samples.shown(shop)
    usual = next(iter(prices.models(shop)), None)
    context = {
        "address": here(request),
        "samples": shown,
        "are_picked": are_picked,
        "image_price": usual.credits if usual else 0,
        "cheapest": prices.cheapest(usual.offers) if usual else None,
        "welcome_credits": _welcome_credits(shop),
        "kept_days": settings.RETENTION_DAYS,
    }
    return render(request, "landing.html", context)


@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    shop = shop_of(request)
    found = prices.models(shop)
    paid_at = prices.paid_at(shop.pk)
    context = {
        "models": found,
        "offers": found[0].offers if found else [],
        "here": "pricing",
        "takes_payments": paid_at is not None,
        "is_till": paid_at is not None and paid_at.is_till,
        "welcome_credits": _welcome_credits(shop),
    }
    return render(request, "pricing.html", context)


def _welcome_credits(shop: Shop) -> int:
    """What a new account is given: nothing where none can be opened."""
    return welcome.credits_of(shop) if rules.is_open(shop) else 0


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """For whoever works on the pages."""
    if not settings.DEBUG:
        raise Http404
    return render(request, "styleguide.html", {"tokens": TOKENS, "amount": 4815})


TOKENS = (
    "paper",
    "sheet",
    "wash",
    "ink",
    "soft",
    "line",
    "edge",
    "accent",
    "good",
    "bad",
    "bad-wash",
    "iron",
)

# --- Drawn ----------------------------------------------------------------------------------------


@require_safe
def accent_stylesheet(request: HttpRequest, colour: str) -> HttpResponse:
    """`/accent/<rrggbb>.css`: a style of its own address, since pages may hold none themselves."""
    return _kept(accent.stylesheet(_colour(colour)), "text/css; charset=utf-8")


@require_safe
def icon(request: HttpRequest, colour: str) -> HttpResponse:
    """`/accent/<rrggbb>.svg`: the plate, for the tabs of browsers."""
    return _kept(_plate().replace(OVAL, accent.on_dark(_colour(colour))), "image/svg+xml")


@cache
def _plate() -> str:
    return (settings.BASE_DIR / "static" / "img" / "favicon.svg").read_text(encoding="ascii")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Where browsers look that have not read a page, and programs that show a link."""
    return HttpResponseRedirect(reverse("icon", args=[brand_of(request).accent]))


@require_safe
def logo(request: HttpRequest, name: str) -> HttpResponse:
    found = logos.picture_of(shop_of(request), name)
    if found is None:
        raise Http404
    return _kept(found, "image/png")


@require_safe
def card(request: HttpRequest, name: str) -> HttpResponse:
    """Whatever the name: what others kept of a page may be older than the shop's name."""
    brand = brand_of(request)
    response = HttpResponse(cards.draw(brand.name, brand.accent), content_type="image/jpeg")
    patch_cache_control(response, public=True, max_age=CARD_LIFE_S)
    return response


def _colour(digits: str) -> str:
    if len(digits) != 6 or set(digits) - HEX_DIGITS:
        raise Http404
    return f"#{digits}"


def _kept(content: Any, content_type: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    patch_cache_control(response, public=True, immutable=True, max_age=DRAWN_LIFE_S)
    return response
