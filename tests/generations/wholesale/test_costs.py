"""What an image costs the shop that buys is what the seller's books took, to the millionth."""

import datetime

import pytest

from accounts.clock import read_db_now
from accounts.shops import first_shop
from billing import ledger
from generations import between_shops, lifecycle, margin, wholesale
from generations.margin import Window
from generations.models import Attempt, Upstream
from tests.generations.wholesale.sellers import a_reseller, begun, connected, delivered, taken
from tests.makers import an_organization, books_are_right, stored_images

pytestmark = pytest.mark.django_db


def test_what_the_capture_took_is_the_cost() -> None:
    upstream = connected(credits=31, value_micros=1_000_003)
    attempt = begun(upstream)
    order = taken(attempt)
    assert wholesale.cost_of(attempt) is None, "It has not ended there"
    assert wholesale.possible_cost(attempt) == upstream.cost_micros
    delivered(order)
    assert wholesale.cost_of(attempt) == 1_000_003 * 15 // 31


def test_what_ended_without_an_image_cost_nothing() -> None:
    attempt = begun(connected())
    order = taken(attempt)
    lifecycle.cancel(order)
    assert wholesale.cost_of(attempt) == 0


def test_what_never_arrived_is_not_known_and_later_nothing() -> None:
    attempt = begun(connected())
    assert wholesale.cost_of(attempt) is None
    assert wholesale.cost_of(attempt, absent=0) == 0


def test_an_order_that_was_lost_is_booked_with_what_it_really_cost() -> None:
    upstream = connected(credits=30, value_micros=600_001)
    ledger.grant(upstream.wholesale_id or 0, 15, reference="manual:1", actor="system")
    attempts = [begun(upstream) for _ in range(3)]
    delivered(taken(attempts[0]))
    lifecycle.cancel(taken(attempts[1]))
    for attempt in attempts:
        lifecycle.cancel(attempt.generation)
        assert lifecycle.orphan(attempt, "its answer was lost")
    costs = [Attempt.objects.get(pk=attempt.pk).cost_micros for attempt in attempts]
    assert costs == [600_001 * 15 // 45, 0, 0]


def test_books_in_another_currency_tell_nothing() -> None:
    upstream = wholesale.connect(a_reseller(currency="eur"), an_organization(300, 3_000_000))
    attempt = begun(upstream)
    delivered(taken(attempt))
    assert wholesale.cost_of(attempt) is None
    assert between_shops.paid(window()) == {}


def test_other_upstreams_have_no_books_here() -> None:
    upstream = connected()
    Upstream.objects.filter(pk=upstream.pk).update(wholesale=None)
    attempt = begun(Upstream.objects.get(pk=upstream.pk))
    assert wholesale.cost_of(attempt) is None


def window() -> Window:
    today = read_db_now().date()
    return Window(today - datetime.timedelta(days=1), today)


def test_margins_agree_on_both_sides_and_name_what_is_in_both() -> None:
    upstream = connected(credits=45, value_micros=700_001)
    customer = an_organization(45, 2_000_003, shop=upstream.shop)
    for _ in range(3):
        attempt = begun(upstream, customer)
        delivered(taken(attempt))
        cost_micros = wholesale.possible_cost(attempt)
        working = attempt.generation
        assert lifecycle.succeed(working, attempt, stored_images(working, 1), cost_micros=cost_micros)
    rows = {row.name: row for row in margin.grouped(window(), "shop")}
    buyer, seller = rows[upstream.shop.slug], rows[first_shop().slug]
    assert (buyer.income_micros, buyer.cost_micros) == (2_000_003, 700_001)
    assert (seller.income_micros, seller.cost_micros) == (700_001, 0)
    assert between_shops.paid(window()) == {"usd": 700_001}
    assert sum(row.margin_micros for row in rows.values()) == 2_000_003
    assert books_are_right()
