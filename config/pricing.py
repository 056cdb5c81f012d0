"""What images cost here: the packs that are on sale, counted in images of each model."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.glances import Shared
from accounts.models import Shop
from billing import currencies, packs
from billing.models import CreditPack
from billing.stripe_gateway import credentials
from generations import catalogue
from generations.models import ImageModel


@dataclass(frozen=True, slots=True)
class Offer:
    """A pack, in images of one model. `an_image`: its price, rounded up; `hundredths`: that, of the smallest unit."""

    pack: CreditPack
    images: int
    an_image: str
    hundredths: int


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    slug: str
    credits: int
    offers: Sequence[Offer]


# For pages that anybody may ask for again and again.
paid_at: Shared[int, credentials.Credentials | None] = Shared(credentials.of_shops)


def takes_payments(shop: Shop) -> bool:
    return paid_at(shop.pk) is not None


def models(shop: Shop) -> list[Model]:
    """All that can be ordered, the usual one first. Without offers where nothing can be bought."""
    on_sale = list(packs.on_sale(shop.pk)) if takes_payments(shop) else []
    names = dict(ImageModel.objects.values_list("slug", "name"))
    return [
        Model(names[slug], slug, credits, [offer(pack, credits) for pack in on_sale])
        for slug, credits in catalogue.on_sale(shop.pk)
    ]


def cheapest(offers: Sequence[Offer]) -> Offer | None:
    return min(offers, key=lambda one: one.hundredths, default=None)


def offer(pack: CreditPack, credits_an_image: int) -> Offer:
    total = pack.total_credits
    hundredths = -(-pack.price_minor * 100 * credits_an_image // total)
    return Offer(
        pack, total // credits_an_image, currencies.shown_finely(hundredths, pack.currency), hundredths
    )
