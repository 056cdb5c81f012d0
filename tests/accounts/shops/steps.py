"""Further shops, who works there, and who comes there."""

import time
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client

from accounts import shop_opening, shops
from accounts.models import Shop, ShopStaff, StaffRole, User
from accounts.organizations import create_organization, person
from accounts.signing.store import SHOP
from tests.accounts.client import send
from tests.cast import Person
from tests.pages import Browser

HARBOUR = "harbour.example"


def a_shop(host: str = HARBOUR, name: str = "Harbour Images", **fields: Any) -> Shop:
    shop = shop_opening.open_shop(Shop(name=name, **fields), host)
    shops.forget()
    return shop


def change(shop: Shop, **fields: Any) -> None:
    Shop.objects.filter(pk=shop.pk).update(**fields)
    shops.forget()


def customer_of(shop: Shop, email: str = "dora@studio.example") -> Person:
    owner = person(email)
    return Person(owner, create_organization(shop, "Dora's Studio", owner))


def runs(shop: Shop, email: str = "olaf@harbour.example") -> User:
    """One of the shop's own operators, who has signed up with the desk's permissions that they need there."""
    user = person(email)
    ShopStaff.objects.create(shop=shop, user=user, role=StaffRole.OPERATOR)
    return user


def browser_at(host: str, user: Person | User | None = None) -> Client:
    """Signed in at that shop just now, if anybody is."""
    client = Browser(raise_request_exception=False, headers={"host": host})
    if user is None:
        return client
    who = user.user if isinstance(user, Person) else user
    client.person = user if isinstance(user, Person) else None
    client.force_login(who)
    session = client.session
    session[SHOP] = shops.id_at(host)
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session["account_authentication_methods_user"] = str(who.pk)
    session.save()
    return client


def send_at(host: str, method: str, path: str, **options: Any) -> HttpResponse:
    return send(method, path, HTTP_HOST=host, **options)


def run(*arguments: str) -> tuple[int, str]:
    """A command's exit code, and what it says."""
    out = StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()
