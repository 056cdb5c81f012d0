"""Shops with brands of their own, beside the platform's."""

from io import BytesIO
from typing import Any

from PIL import Image

from accounts import logos, shops
from accounts.models import Shop
from tests import several

PLATES: dict[str, Any] = {
    "name": "Plattenwerk Süd",
    "accent": "#1d5f8a",
    "currency": "eur",
    "languages": ["de", "en"],
    "promise": "Bilder aus einem Satz, gemacht in Ulm.",
    "landing_text": "Wir machen Bilder seit 1911.\n\nAuf Wunsch auch <gerahmt>.",
    "sender_email": "post@platten.example",
    "support_email": "hilfe@platten.example",
    "terms_url": "https://platten.example/agb",
    "terms_version": "2026-11",
    "privacy_url": "https://platten.example/datenschutz",
    "privacy_version": "2026-11",
    "imprint_url": "https://platten.example/impressum",
}
PRINTS: dict[str, Any] = {
    "name": "Harbour Prints",
    "accent": "#7a2f63",
    "currency": "gbp",
    "languages": ["en"],
    "promise": "Pictures by the quay.",
}


def a_shop(host: str, fields: dict[str, Any], *, with_logo: bool = False) -> Shop:
    """With prices and packs as every new one has them, reached at `host` alone."""
    shop = several.a_shop(host=host, **fields).shop
    if with_logo:
        logos.put(shop, a_logo(shop.accent))
        shops.forget()
    return shop


def dress(host: str, fields: dict[str, Any], *, with_logo: bool = False) -> None:
    """A shop that is there already, such as one that a command has opened."""
    shop = Shop.objects.get(domains__host=host)
    for name, value in fields.items():
        setattr(shop, name, value)
    shop.save()
    if with_logo:
        logos.put(shop, a_logo(shop.accent))


def a_logo(colour: str) -> bytes:
    """A PNG."""
    file = BytesIO()
    Image.new("RGBA", (240, 96), colour).save(file, "PNG")
    return file.getvalue()
