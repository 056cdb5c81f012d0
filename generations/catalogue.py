"""What a new shop sells."""

from accounts.models import Shop
from generations.models import ImageModel, ModelPrice

DEFAULT_MODEL = "z-image-turbo"
DEFAULT_PRICE_CREDITS = 15


def stock(shop: Shop) -> None:
    model, _created = ImageModel.objects.get_or_create(slug=DEFAULT_MODEL, defaults={"name": "Z-Image-Turbo"})
    ModelPrice.objects.create(shop=shop, model=model, credits=DEFAULT_PRICE_CREDITS)
