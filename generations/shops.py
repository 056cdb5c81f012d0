"""What a shop sells and who makes it, for the shop's export; and what is forgotten of that when it closes."""

import datetime
from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from accounts.clock import db_now
from accounts.models import Shop
from generations.models import Attempt, BilledDay, BlockedPhrase, HourSum, ModelPrice, Upstream

_SECRETS = ("sealed_credential", "sealed_webhook_secret")
# Orders that ended before are in the sums of hours, unless nothing counts them.
_NOT_COUNTED_YET = datetime.timedelta(days=1)


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
    """Whether anything is written down in the shop's currency: what orders brought and cost, bills, and what it pays
    another shop.
    """
    upstreams = Upstream.objects.filter(shop=shop)
    counted = HourSum.objects.filter(shop=shop).filter(~Q(income_micros=0) | ~Q(cost_micros=0))
    costs = Attempt.objects.filter(
        ~Q(cost_micros=0) | ~Q(possible_cost_micros=0), generation__organization__shop=shop
    )
    return (
        upstreams.filter(wholesale__isnull=False).exists()
        or counted.exists()
        or BilledDay.objects.filter(upstream__shop=shop).exists()
        # Of its open orders, and of the latest that ended; apart, since each has an index of its own.
        or costs.filter(generation__finished_at=None).exists()
        or costs.filter(generation__finished_at__gt=db_now() - _NOT_COUNTED_YET).exists()
    )
