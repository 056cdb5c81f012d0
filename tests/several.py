"""Several shops in one installation: each at a host of its own, with people of its own."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.utils.text import slugify

from accounts import access, hooks, shops
from accounts.access import Access
from accounts.models import Shop, ShopDomain, User
from accounts.organizations import create_organization
from accounts.signing.store import SHOP
from tests.cast import Person, give_credits, new_user
from tests.pages import browser_of

FIRST_HOST = "testserver"  # as Django's test client calls itself
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Place:
    """A shop, and the host that people and programs ask there."""

    shop: Shop
    host: str

    @property
    def environ(self) -> dict[str, Any]:
        """What the server says of a request to it."""
        return {"HTTP_HOST": self.host}


def the_platform() -> Place:
    return Place(shops.first_shop(), FIRST_HOST)


def a_shop(name: str = "", host: str | None = None, **fields: Any) -> Place:
    """Open, with what every new shop sells, under a name of its own unless one is given; `host`: <name>.example unless
    another is given.
    """
    shops.first_shop()  # which no other one shall become
    number = next(_numbers)
    name = name or f"Another {number}"
    shop = Shop.objects.create(**{"slug": f"{slugify(name)}-{number}", "name": name} | fields)
    for hook in hooks.shop_opened:
        hook(shop)
    host = host or f"{slugify(name)}.example"
    a_domain(shop, host, is_primary=True)
    return Place(shop, host)


def a_domain(shop: Shop, host: str, **fields: Any) -> ShopDomain:
    domain = ShopDomain.objects.create(shop=shop, host=host, **fields)
    shops.forget()
    return domain


def an_owner(where: Place | Shop, email: str, name: str, credits: int = 1500) -> Person:
    """Somebody who owns a new organization there, with credits; with PASSWORD if they are new."""
    shop = where.shop if isinstance(where, Place) else where
    user = User.objects.filter(email=email).first() or new_user(email)
    person = Person(user, create_organization(shop, name, user))
    if credits:
        give_credits(person.organization, credits)
    return person


def access_at(place: Place, person: Person) -> Access:
    return access.access_of_user(person.user, place.shop.pk, person.organization.slug)


def browser_at(where: Place | Shop | str, who: Person | User | None = None) -> Client:
    """As tests.pages.browser_of, at this host, or where links to this shop lead."""
    browser = browser_of(who)
    browser.defaults["HTTP_HOST"] = host = _host_of(where)
    if who is not None:
        session = browser.session
        session[SHOP] = shops.id_at(host)
        session.save()
    return browser


def _host_of(where: Place | Shop | str) -> str:
    if isinstance(where, str):
        return where
    return where.host if isinstance(where, Place) else shops.host_of(where.pk)


def carried(browser: Client, place: Place) -> Client:
    """Another browser at the host of another shop, with all cookies of the first: as none does by itself."""
    other = browser_of()
    other.defaults["HTTP_HOST"] = place.host
    for name, cookie in browser.cookies.items():
        other.cookies[name] = cookie.value
    return other


def many_shops(count: int, host_of: Callable[[int], str] = "shop{}.example".format) -> list[Shop]:
    """Rows alone, made at once, each with a domain."""
    first = next(_numbers)
    made = Shop.objects.bulk_create(
        Shop(slug=f"many-{first}-{number}", name=f"Shop {number}") for number in range(count)
    )
    ShopDomain.objects.bulk_create(
        ShopDomain(shop=shop, host=host_of(number), is_primary=True) for number, shop in enumerate(made)
    )
    shops.forget()
    return made
