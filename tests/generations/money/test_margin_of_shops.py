"""Margin, leakage and bills of one shop are of its orders alone; what is in several currencies is never added up."""

import pytest

from accounts.clock import read_db_now
from accounts.models import Organization, Shop
from accounts.shops import first_shop
from generations import leakage, margin
from generations.margin import Window
from generations.models import BilledDay, Generation, Upstream
from tests.makers import a_generation, an_access, an_organization, an_upstream, stored_images
from tests.several import a_shop

pytestmark = pytest.mark.django_db
GROUPS = ("day", "customer", "upstream", "model")


@pytest.fixture
def shops() -> dict[Shop, int]:
    """With how many orders each has; two of them in one currency."""
    found = {
        first_shop(): 1,
        a_shop(slug="other", currency="usd").shop: 2,
        a_shop(slug="euro", currency="eur").shop: 3,
    }
    for shop, orders in found.items():
        upstream = an_upstream(shop=shop, name="Main", cost_micros=1_000)
        access = an_access(an_organization(1000, 1_000_000, shop=shop))
        for _order in range(orders):
            an_order(a_generation(access), upstream)
        BilledDay.objects.create(upstream=upstream, day=read_db_now().date(), amount_micros=9_000 * orders)
    return found


def an_order(generation: Generation, upstream: Upstream) -> None:
    from generations import lifecycle

    attempt = lifecycle.begin(generation, upstream)
    assert attempt
    lifecycle.succeed(attempt.generation, attempt, stored_images(generation, 1), cost_micros=1_000)


def window() -> Window:
    today = read_db_now().date()
    return Window(today, today)


@pytest.mark.parametrize("by", GROUPS)
def test_a_shop_reads_its_own_orders_alone(shops: dict[Shop, int], by: str) -> None:
    for shop, orders in shops.items():
        found = margin.total(margin.grouped(window(), by, shop.pk))
        assert (found.orders, found.cost_micros, found.currency) == (orders, 1_000 * orders, shop.currency)
        tasks = [row for row, _place in margin.tasks(window(), shop_id=shop.pk)]
        assert (len(tasks), {row.currency for row in tasks}) == (orders, {shop.currency})
        text = "".join(margin.as_csv(window(), by, shop.pk))
        assert all(line.endswith(f",{shop.currency}") for line in text.splitlines()[1:])


@pytest.mark.parametrize("by", GROUPS)
def test_of_all_shops_each_currency_has_a_sum_of_its_own(shops: dict[Shop, int], by: str) -> None:
    rows = margin.grouped(window(), by)
    assert {row.currency: row.orders for row in margin.totals(rows)} == {"eur": 3, "usd": 3}
    with pytest.raises(ValueError, match="never added up"):
        margin.total(rows)


def test_customers_of_two_shops_with_one_short_name_are_two(shops: dict[Shop, int]) -> None:
    Organization.objects.update(slug="acme")
    names = {row.name: row.orders for row in margin.grouped(window(), "customer")}
    assert names == {f"{shop.slug}/acme": orders for shop, orders in shops.items()}
    told = [row.more[1] for row, _place in margin.tasks(window())]
    assert {name: told.count(name) for name in told} == names
    for shop, orders in shops.items():
        [row] = margin.grouped(window(), "customer", shop.pk)
        assert (row.name, row.orders) == ("acme", orders)


def test_leakage_and_bills_likewise(shops: dict[Shop, int]) -> None:
    for shop, orders in shops.items():
        [leak] = leakage.report(window(), shop.pk)
        assert (leak.name, leak.currency, leak.attempts) == ("Main", shop.currency, orders)
        assert (leak.booked_micros, leak.gap_micros) == (1_000 * orders, 8_000 * orders)
    names = {leak.name: leak.currency for leak in leakage.report(window())}
    assert names == {f"{first_shop().slug}: Main": "usd", "other: Main": "usd", "euro: Main": "eur"}
