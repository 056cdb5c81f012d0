"""What pages wear: the name, colour, logo and links of the shop that is asked."""

from contextlib import suppress
from dataclasses import dataclass, fields
from hashlib import sha256

from django.http import HttpRequest

from accounts.models import Shop
from config.api import AWAY


@dataclass(frozen=True, slots=True)
class Brand:
    """The fields are the shop's own, but for `accent`: six hexadecimal digits."""

    name: str
    accent: str
    promise: str
    logo: str
    logo_has_name: bool
    terms_url: str
    privacy_url: str
    imprint_url: str
    support_email: str

    @classmethod
    def of(cls, shop: Shop) -> "Brand":
        found = {field.name: getattr(shop, field.name) for field in fields(cls)}
        return cls(**found | {"accent": shop.accent.removeprefix("#").lower()})

    @property
    def logo_width(self) -> str:
        return self.logo.rpartition("-")[2]

    @property
    def card(self) -> str:
        """The name of its social card, another one whenever that looks otherwise."""
        return sha256(f"2\n{self.accent}\n{self.name}".encode()).hexdigest()[:24]


_last = Brand.of(Shop())


def brand_of(request: HttpRequest) -> Brand:
    """As this process saw it last when the database is away: the page that says so needs it too."""
    global _last  # noqa: PLW0603 - one per process is the point
    shop: Shop | None = getattr(request, "shop", None)
    with suppress(*AWAY):
        if shop is not None:
            _last = Brand.of(shop)
    return _last
