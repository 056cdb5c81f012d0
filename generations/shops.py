"""What a shop sells and who makes it, for the shop's export; and what is forgotten of that when it closes."""

from collections.abc import Mapping
from typing import Any

from accounts.models import Shop
from generations.models import BlockedPhrase, ModelPrice, Upstream

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
