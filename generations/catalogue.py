"""What a new shop sells."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.clock import db_now
from accounts.models import Shop
from generations.errors import NotOnSale
from generations.models import ImageModel, ModelPrice, price_now

DEFAULT_MODEL = "z-image-turbo"
DEFAULT_PRICE_CREDITS = 15
# A clock that is set back must not take the shop's only price out of force.
ALWAYS = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


def stock(shop: Shop) -> None:
    model, _created = ImageModel.objects.get_or_create(slug=DEFAULT_MODEL, defaults={"name": "Z-Image-Turbo"})
    ModelPrice.objects.create(shop=shop, model=model, credits=DEFAULT_PRICE_CREDITS, valid_from=ALWAYS)


def lacks(shop: Shop) -> Iterator[str]:
    """As accounts.hooks.shop_lacks calls it."""
    if not on_sale(shop.pk):
        yield _("It has no price for any model, so nothing can be ordered there: add one under Prices.")


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that can be ordered; `credits` an image."""

    slug: str
    name: str
    credits: int


def offers(shop_id: int) -> list[Offer]:
    """All that can be ordered, the usual one first."""
    valid = ModelPrice.objects.filter(shop_id=shop_id, model__active=True, valid_from__lte=db_now())
    rows = valid.order_by("valid_from").values_list("model__slug", "model__name", "credits")
    newest = {slug: Offer(slug, name, credits) for slug, name, credits in rows}  # the newest price counts
    return sorted(newest.values(), key=lambda offer: (offer.slug != DEFAULT_MODEL, offer.slug))


def usual_price(shop_id: int) -> int:
    """Credits for an image of the usual model; else of the first that is on sale; 0 where none is."""
    try:
        return price_now(shop_id, DEFAULT_MODEL)[1]
    except NotOnSale:
        return next((offer.credits for offer in offers(shop_id)), 0)


def on_sale(shop_id: int) -> list[tuple[str, int]]:
    """(model, credits an image) of the same."""
    return [(offer.slug, offer.credits) for offer in offers(shop_id)]
