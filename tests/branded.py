"""Shops with brands of their own, beside the platform's: their hosts, people, and browsers at them."""

from io import BytesIO
from typing import Any

from django.test import Client
from PIL import Image

from accounts import hooks, logos, shops
from accounts.models import Organization, Shop, ShopDomain
from accounts.organizations import create_organization
from tests.cast import Person, new_user
from tests.pages import Browser, browser_of

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
    shops.first_shop()
    shop = Shop.objects.create(slug=host.partition(".")[0], **fields)
    ShopDomain.objects.create(shop=shop, host=host, is_primary=True)
    for hook in hooks.shop_opened:
        hook(shop)
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


def found_at(shop: Shop, email: str, name: str) -> Person:
    """Who owns an organization of that shop."""
    owner = new_user(email)
    organization: Organization = create_organization(shop, name, owner)
    return Person(owner, organization)


def browser_at(shop: Shop, person: Person | None = None) -> Client:
    """At its own host, signed in there as `person`, if any."""
    client = browser_of(person)
    client.defaults["HTTP_HOST"] = shops.host_of(shop.pk)
    if person is not None:
        session = client.session
        session["shop"] = shop.pk
        session.save()
    assert isinstance(client, Browser)
    return client
