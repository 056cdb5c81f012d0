"""What a new shop sells, and which packs people see."""

from django.db.models import F, QuerySet

from accounts.models import Shop
from billing.models import CreditPack

# At the documented price of $0.02 for an image of 15 credits: 250, 1,000 and 5,000 images.
STARTER = (("Small", 3_750, 500), ("Medium", 15_000, 2_000), ("Large", 75_000, 10_000))


# Where a hundred of the smallest unit is worth about as much as a dollar, so that these prices make sense.
LIKE_DOLLARS = frozenset({"aud", "cad", "chf", "eur", "gbp", "nzd", "sgd", "usd"})


def stock(shop: Shop) -> None:
    """Its first packs, which its operator changes; in other currencies it begins without any."""
    if shop.currency not in LIKE_DOLLARS:
        return
    for position, (name, credits, price_minor) in enumerate(STARTER):
        CreditPack.objects.create(
            shop=shop,
            name=name,
            credits=credits,
            price_minor=price_minor,
            currency=shop.currency,
            position=position,
        )


def on_sale(shop_id: int) -> QuerySet[CreditPack]:
    """Not those in another currency: the value of a wallet is counted in the shop's. None while the shop stands
    still.
    """
    packs = CreditPack.objects.filter(
        shop_id=shop_id,
        is_active=True,
        currency=F("shop__currency"),
        shop__suspended_at=None,
        shop__closing_at=None,
    )
    return packs.order_by("position", "price_minor", "pk")


def is_on_sale(pack: CreditPack, shop_id: int) -> bool:
    """As it is now, whatever was read of it before."""
    return on_sale(shop_id).filter(pk=pack.pk).exists()
