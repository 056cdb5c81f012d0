"""Vouchers and people who use them, as tests want them."""

import itertools
from typing import Any

from accounts.clock import db_now
from accounts.models import Membership, Organization, Role, User
from accounts.organizations import person
from accounts.shops import first_shop
from billing.models import Voucher

_numbers = itertools.count(1)


def a_voucher(code: str = "SPRING-2026", credits: int = 100, **fields: Any) -> Voucher:
    return Voucher.objects.create(shop=first_shop(), code=code, credits=credits, **fields)


def a_person(*, confirmed: bool = True) -> User:
    user = person(f"person{next(_numbers)}@people.example")
    if confirmed:
        User.objects.filter(pk=user.pk).update(email_confirmed_at=db_now())
    return user


def owner_of(organization: Organization) -> User:
    return Membership.objects.select_related("user").get(organization=organization, role=Role.OWNER).user
