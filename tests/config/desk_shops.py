"""Three shops with a row of everything each, and who works at their desks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import site
from django.db.models import Model, QuerySet
from django.test import Client
from django.urls import URLPattern, URLResolver
from django.utils import timezone

from accounts.desk.rows import EVERYBODYS, PLATFORM, OfShop
from accounts.models import Shop, ShopStaff, StaffRole, User
from accounts.organizations import person
from tests.config.desk_rows import everything
from tests.several import a_shop, browser_at, the_platform

# Each name stands in all words of its shop, and in no token by chance.
FIRST, SECOND, THIRD = "annabella", "bertoldina", "carlottina"


@dataclass(frozen=True, slots=True)
class Desk:
    shop: Shop
    host: str
    name: str

    def staff(self, role: StaffRole = StaffRole.OPERATOR) -> User:
        user = person(f"{role}-of-{self.name}@desk.example")
        User.objects.filter(pk=user.pk).update(email_confirmed_at=timezone.now())
        ShopStaff.objects.get_or_create(shop=self.shop, user=user, defaults={"role": role})
        return user

    def browser(self, user: User) -> Client:
        """Signed in at the host of this shop."""
        return browser_at(self.host, user)


def a_desk(name: str, host: str | None = None, **fields: Any) -> Desk:
    """Of a new shop; the first one's where there is no host."""
    place = the_platform() if host is None else a_shop(f"Shop of {name}", host, slug=name, **fields)
    return Desk(place.shop, place.host, name)


def three_desks() -> list[Desk]:
    found = [a_desk(FIRST), a_desk(SECOND, "second.example", currency="eur"), a_desk(THIRD, "third.example")]
    for desk in found:
        everything(desk.name, desk.shop)
        desk.staff()
    return found


def rows_of(model: type[Model], shop: Shop) -> "QuerySet[Any]":
    """Those of a shop; none of what belongs to no shop."""
    admin = site.get_model_admin(model)
    assert isinstance(admin, OfShop), model
    rows = model._default_manager.order_by("pk")
    return rows.none() if admin.shop_path in (PLATFORM, EVERYBODYS) else admin.rows_of(rows, shop.pk)


@dataclass(frozen=True, slots=True)
class Address:
    """`model`: whose row it takes; None where it takes none."""

    path: str
    model: type[Model] | None
    name: str

    def of(self, pk: Any) -> str:
        start, end = self.path.index("<"), self.path.index(">")
        return self.path[:start] + str(pk) + self.path[end + 1 :]


def addresses() -> Iterator[Address]:
    """Every one of the desk, found by introspection, so that a new one is never left out."""
    by_path = {f"{model._meta.app_label}/{model._meta.model_name}/": model for model in site._registry}
    for pattern in site.get_urls():
        if isinstance(pattern, URLResolver):
            model = by_path[str(pattern.pattern)]
            for one in pattern.url_patterns:
                if isinstance(one, URLPattern):
                    path = f"/admin/{pattern.pattern}{one.pattern}"
                    takes = bool(one.pattern.converters)
                    yield Address(path, model if takes else None, one.name or "")
        elif isinstance(pattern, URLPattern):
            yield Address(f"/admin/{pattern.pattern}", None, pattern.name or "")
