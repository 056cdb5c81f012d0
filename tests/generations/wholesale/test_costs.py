"""What an image costs the shop that buys is what the seller's books took, to the millionth."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.clock import read_db_now
from accounts.models import Organization
from accounts.shops import first_shop
from billing import ledger
from config.doctor.upstreams import look as look_at_upstreams
from generations import between_shops, lifecycle, margin, retention, wholesale
from generations.margin import Window
from generations.models import Attempt, Generation, Upstream
from generations.providers.base import OutcomeKind
from generations.providers.wire import Answer
from tests.generations.wholesale.sellers import a_reseller, begun, connected, delivered, taken
from tests.makers import an_organization, books_are_right, stored_images
from tests.operators import desk_of, operator
from tests.pages import text_of

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


def test_between_currencies_it_says_that_a_cost_is_to_be_entered_by_hand() -> None:
    upstream = wholesale.connect(a_reseller(currency="eur"), an_organization(300, 3_000_000))
    alike = connected()
    page, its_own = (
        "/admin/generations/billedday/margin/",
        f"/admin/generations/upstream/{upstream.pk}/change/",
    )
    desk = desk_of(operator())
    words = "What Shop takes in USD is not known in EUR, and no cost was entered"
    words = words.replace("Shop", first_shop().name)
    assert text_of(desk.get(page)).count(words) == 1
    assert f"{upstream.shop.slug}: {upstream.name}:" in text_of(desk.get(page)), (
        "Others may be called the same"
    )
    assert words in text_of(desk.get(its_own))
    found = [str(one) for one in look_at_upstreams()]
    assert any(words in one for one in found), found
    assert wholesale.cost_by_hand(alike) == ""
    Upstream.objects.filter(pk=upstream.pk).update(cost_micros=1)
    assert "counts in EUR by the cost that was entered by hand" in text_of(desk.get(page))
    assert not any(words in str(one) for one in look_at_upstreams())


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


def bought(upstream: Upstream, customer: Organization) -> None:
    """As a worker does: the seller's answer told the id of its order."""
    attempt = begun(upstream, customer)
    order = taken(attempt)
    answer = Answer(OutcomeKind.WAIT, task_id=order.task_id, handle={"task_id": order.task_id})
    assert lifecycle.accepted(attempt, answer, 1.0)
    delivered(order)
    attempt = Attempt.objects.select_related("generation", "upstream").get(pk=attempt.pk)
    cost_micros = wholesale.possible_cost(attempt)
    generation = attempt.generation
    assert lifecycle.succeed(generation, attempt, stored_images(generation, 1), cost_micros=cost_micros)


def test_whom_a_shop_buys_from_now_does_not_change_what_it_has_bought() -> None:
    upstream = connected(credits=45, value_micros=700_001)
    customer = an_organization(45, 2_000_003, shop=upstream.shop)
    bought(upstream, customer)
    lost = begun(upstream, customer)
    delivered(taken(lost))  # and its answer was lost
    lifecycle.cancel(lost.generation)
    assert lifecycle.orphan(lost, "its answer was lost")
    under_way = begun(upstream, customer)
    order = taken(under_way)
    answer = Answer(OutcomeKind.WAIT, task_id=order.task_id, handle={"task_id": order.task_id})
    assert lifecycle.accepted(under_way, answer, 1.0)
    before = between_shops.paid(window())
    assert before == {"usd": 2 * 700_001 // 3}
    # As the desk's form does when another address is entered.
    Upstream.objects.filter(pk=upstream.pk).update(wholesale=None, base_url="https://other.example")
    assert between_shops.paid(window()) == before
    delivered(order)
    under_way = Attempt.objects.select_related("generation", "upstream").get(pk=under_way.pk)
    assert wholesale.cost_of(under_way) == 700_001 - before["usd"], "What was ordered there is paid there"
    again = wholesale.connect(upstream.shop, Organization.objects.get(pk=order.organization_id))
    assert again.pk != upstream.pk
    assert between_shops.paid(window()) == before
    retention.forget_prompts(list(Generation.objects.values_list("pk", flat=True)))
    assert between_shops.paid(window()) == before
    assert books_are_right()


def test_the_database_adds_up_so_that_no_order_is_fetched() -> None:
    upstream = connected(credits=45, value_micros=700_001)
    customer = an_organization(45, 2_000_003, shop=upstream.shop)
    days, asked = window(), list[int]()
    for number in (1, 2):
        for _ in range(number):
            bought(upstream, customer)
        with CaptureQueriesContext(connection) as queries:
            assert between_shops.paid(days) == {"usd": 700_001 * (2 * number - 1) // 3}
        asked.append(len(queries))
    assert asked == [1 + 2] * 2, "How many shops there are, and one for each day"


def test_an_order_of_another_key_is_none_of_ours() -> None:
    """Whatever an upstream calls its tasks."""
    upstream = connected()
    attempt = begun(upstream)
    order = taken(attempt)
    delivered(order)
    Upstream.objects.filter(pk=upstream.pk).update(wholesale=None)
    other = begun(Upstream.objects.get(pk=upstream.pk))
    other.upstream_task_id = order.task_id
    assert wholesale.cost_of(other) is None
