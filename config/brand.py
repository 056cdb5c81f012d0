"""What pages wear: the name, colour, logo and links of the shop that is asked."""

import datetime
from contextlib import suppress
from dataclasses import dataclass, fields
from hashlib import sha256

from django.http import HttpRequest

from accounts.connections import AWAY
from accounts.models import Shop
from accounts.shops import by_id


@dataclass(frozen=True, slots=True)
class Brand:
    """The fields are the shop's own, but for `accent`: six hexadecimal digits. `closes_at`: None while it stays."""

    name: str
    accent: str
    promise: str
    landing_text: str
    logo: str
    logo_has_name: bool
    terms_url: str
    privacy_url: str
    imprint_url: str
    support_email: str
    closes_at: datetime.datetime | None

    @classmethod
    def of(cls, shop: Shop) -> "Brand":
        found = {field.name: getattr(shop, field.name) for field in fields(cls)}
        return cls(**found | {"accent": shop.accent.removeprefix("#").lower()})

    @property
    def is_the_products(self) -> bool:
        """Whether nobody has given the shop a name of its own yet: then pages may name the software."""
        return self.name == str(Shop._meta.get_field("name").get_default())

    @property
    def logo_width(self) -> str:
        return self.logo.rpartition("-")[2]

    @property
    def card(self) -> str:
        """The name of its social card, another one whenever that looks otherwise."""
        return sha256(f"2\n{self.accent}\n{self.name}".encode()).hexdigest()[:24]


_PLAIN = Brand.of(Shop(name=""))
_last: dict[int, Brand] = {}  # a shop's as this process saw it last


def brand_of(request: HttpRequest) -> Brand:
    """The last one known while the database is away: the page that says so needs it too."""
    shop_id: int | None = getattr(request, "shop_id", None)
    if shop_id is None:
        return _PLAIN
    with suppress(*AWAY, Shop.DoesNotExist):
        _last[shop_id] = Brand.of(by_id(shop_id))
    return _last.get(shop_id, _PLAIN)
