"""One further shop, who works there, and who comes there."""

from io import StringIO
from typing import Any

from django.core.management import call_command
from django.http import HttpResponse

from accounts import shops
from accounts.models import Shop, ShopStaff, StaffRole, User
from accounts.organizations import person
from tests.accounts.client import send
from tests.cast import Person
from tests.several import a_shop, an_owner

HARBOUR = "harbour.example"


def harbour() -> Shop:
    return a_shop("Harbour Images", HARBOUR).shop


def change(shop: Shop, **fields: Any) -> None:
    Shop.objects.filter(pk=shop.pk).update(**fields)
    shops.forget()


def customer_of(shop: Shop, email: str = "dora@studio.example") -> Person:
    return an_owner(shop, email, "Dora's Studio", credits=0)


def runs(shop: Shop, email: str = "olaf@harbour.example") -> User:
    """One of the shop's own operators, who has signed up with the desk's permissions that they need there."""
    user = person(email)
    ShopStaff.objects.create(shop=shop, user=user, role=StaffRole.OPERATOR)
    return user


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
