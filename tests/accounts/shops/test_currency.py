"""The currency of a shop stays once anything that it sold, gave a price to or paid is written down in it."""

from collections.abc import Callable

import pytest
from django.db import transaction

from accounts import hooks
from accounts.clock import db_now
from accounts.errors import NotFound
from accounts.models import Organization, Shop
from billing import checkout, ledger, packs
from billing.models import Payment, Voucher
from generations.models import BilledDay, HourSum
from tests.accounts.shops.steps import customer_of
from tests.cast import give_credits
from tests.makers import (
    a_payment,
    an_access,
    an_organization,
    an_upstream,
    new_reference,
)
from tests.operators import desk_of, operator
from tests.several import a_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization() -> Organization:
    return customer_of(a_shop().shop).organization


def is_fixed(shop: Shop) -> bool:
    return any(is_used(shop) for is_used in hooks.currency_is_used)


def pays(organization: Organization) -> None:
    a_payment(organization, session_id="cs_1")


def has_credits_of_worth(organization: Organization) -> None:
    reference = new_reference()
    ledger.top_up(organization.pk, 100, net_value_micros=1, reference=reference, actor="system")


def redeems(organization: Organization) -> None:
    Voucher.objects.create(shop=organization.shop, code="SPRING", credits=5, redeemed=1)


def buys_wholesale(organization: Organization) -> None:
    an_upstream(shop=organization.shop, wholesale=an_organization(100))


def was_billed(organization: Organization) -> None:
    upstream = an_upstream(shop=organization.shop)
    BilledDay.objects.create(upstream=upstream, day="2026-11-28", amount_micros=1)


def brought_something(organization: Organization) -> None:
    HourSum.objects.create(shop=organization.shop, hour=db_now(), income_micros=7)


def pays_an_upstream(organization: Organization) -> None:
    an_upstream(shop=organization.shop, cost_micros=1_000)


@pytest.mark.parametrize(
    "happens",
    [
        pays,
        has_credits_of_worth,
        redeems,
        buys_wholesale,
        was_billed,
        brought_something,
        pays_an_upstream,
    ],
    ids=lambda happens: happens.__name__,
)
def test_it_stays_once_money_is_recorded(
    organization: Organization, happens: Callable[[Organization], None]
) -> None:
    shop = organization.shop
    give_credits(organization, 10)
    Voucher.objects.create(shop=shop, code="UNUSED", credits=5)
    an_upstream(shop=shop)
    other = customer_of(a_shop("Other").shop).organization
    assert not is_fixed(shop), "Nothing of this has a price"
    happens(organization)
    assert (is_fixed(shop), is_fixed(other.shop)) == (True, False)


def test_the_desk_s_form_does_not_offer_it(organization: Organization) -> None:
    path = f"/admin/accounts/shop/{organization.shop.pk}/change/"
    desk = desk_of(operator())
    assert 'name="currency"' in desk.get(path).content.decode()
    has_credits_of_worth(organization)
    assert 'name="currency"' not in desk.get(path).content.decode()


def test_who_buys_while_it_changes_buys_nothing(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = packs.on_sale(organization.shop_id)[0]
    access = an_access(organization)
    assert checkout._begin(access, pack)
    agree = checkout.agree

    def slowly(*args: object, **more: object) -> Payment:
        Shop.objects.filter(pk=organization.shop_id).update(currency="eur")
        return agree(*args, **more)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(checkout, "agree", slowly)
    with pytest.raises(NotFound), transaction.atomic():
        checkout._begin(access, pack)
    assert Payment.objects.count() == 1
