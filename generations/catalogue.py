"""What a new shop sells."""

import datetime

from accounts.models import Shop
from generations.models import ImageModel, ModelPrice

DEFAULT_MODEL = "z-image-turbo"
DEFAULT_PRICE_CREDITS = 15
# A clock that is set back must not take the shop's only price out of force.
ALWAYS = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


def stock(shop: Shop) -> None:
    model, _created = ImageModel.objects.get_or_create(slug=DEFAULT_MODEL, defaults={"name": "Z-Image-Turbo"})
    ModelPrice.objects.create(shop=shop, model=model, credits=DEFAULT_PRICE_CREDITS, valid_from=ALWAYS)
