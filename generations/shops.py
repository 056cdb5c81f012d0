"""What a shop sells and who makes it, for the shop's export; and what is forgotten of that when it closes."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from accounts.models import Shop
from generations.models import BilledDay, BlockedPhrase, HourSum, ModelPrice, Upstream

_SECRETS = ("sealed_credential", "sealed_webhook_secret")


def sections(shop: Shop) -> Mapping[str, Any]:
    prices = ModelPrice.objects.filter(shop=shop).order_by("pk")
    upstreams = Upstream.objects.filter(shop=shop).order_by("pk")
    told = [
        field.attname
        for field in Upstream._meta.concrete_fields
        if field.attname not in (*_SECRETS, "shop_id")
    ]
    return {
        "prices": list(prices.values("model__slug", "credits", "valid_from")),
        "upstreams": list(upstreams.values(*told)),
        "blocked_phrases": list(BlockedPhrase.objects.filter(shop=shop).order_by("pk").values()),
    }


def forget(shop: Shop) -> None:
    """Nobody makes or is asked anything in its name any more."""
    upstreams = Upstream.objects.filter(shop=shop)
    upstreams.update(enabled=False, uses_webhooks=False, sealed_credential="", sealed_webhook_secret="")


def has_money(shop: Shop) -> bool:
    """Whether anything is written down in the shop's currency: what orders brought and cost, bills, and what is paid
    for images, to another shop or by what was entered. So costs of orders that are in no sum yet need no look.
    """
    paying = Q(wholesale__isnull=False) | Q(cost_micros__gt=0)
    counted = HourSum.objects.filter(shop=shop).filter(~Q(income_micros=0) | ~Q(cost_micros=0))
    return (
        Upstream.objects.filter(paying, shop=shop).exists()
        or counted.exists()
        or BilledDay.objects.filter(upstream__shop=shop).exists()
    )
