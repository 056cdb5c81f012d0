"""Today's sums: by the hour in which orders ended, to the last millionth what ledger and attempts say."""

import datetime
from typing import Any

import pytest
from django.db.models import Sum

from accounts.clock import read_db_now
from accounts.shops import first_shop
from billing.models import EntryKind, LedgerEntry
from generations import lifecycle, today
from generations.models import Attempt, CountedHour, Generation, HourSum
from generations.today import DAY, HOUR, Days, Sums
from tests.cast import Person, access_of_user
from tests.makers import (
    a_submitted,
    an_access,
    an_organization,
    an_upstream,
    stored_images,
)
from tests.several import a_shop

pytestmark = pytest.mark.django_db
COST = 4_125


def ended(access: object, *, fails: bool = False, cost_micros: int = COST) -> Generation:
    generation, attempt = a_submitted(access)  # type: ignore[arg-type]
    if fails:
        assert lifecycle.fail(
            generation, "generation_failed", attempt=attempt, outcome="failed", cost_micros=cost_micros
        )
    else:
        assert lifecycle.succeed(generation, attempt, stored_images(generation, 1), cost_micros=cost_micros)
    return generation


def move(generation: Generation, back: datetime.timedelta) -> None:
    row = Generation.objects.get(pk=generation.pk)
    assert row.finished_at
    Generation.objects.filter(pk=row.pk).update(finished_at=row.finished_at - back)


def last_days() -> Days:
    """Of the one currency that there is."""
    [days] = today.last_days().values()
    return days


def all_sums() -> tuple[int, int]:
    captures = (
        LedgerEntry.objects.filter(kind=EntryKind.CAPTURE).aggregate(value=Sum("value_micros"))["value"] or 0
    )
    return -captures, Attempt.objects.aggregate(cost=Sum("cost_micros"))["cost"] or 0


def test_nothing_yet() -> None:
    found = last_days()
    assert (len(found.days), found.total, found.missing) == (30, Sums(), 0)
    assert today.sum_up() == 0


def test_days_add_up_to_ledger_and_attempts() -> None:
    access = an_access(an_organization(1000, value_micros=1_000_003))
    for back in (0, 3, 26, 24 * 29):
        move(ended(access), datetime.timedelta(hours=back))
    move(ended(access, fails=True), datetime.timedelta(hours=26))
    ended(an_access(an_organization(), livemode=False), cost_micros=7)
    while today.sum_up():
        pass
    found = last_days()
    assert found.missing == 0
    assert (found.total.income_micros, found.total.cost_micros) == all_sums()
    assert found.total.income_micros > 0
    assert (found.total.succeeded, found.total.failed, found.total.images) == (4, 1, 4)
    assert found.total.failure_percent == 20
    assert found.days[0][1].images == 1


def test_hours_are_counted_once_and_a_look_reads_them(django_assert_max_num_queries: object) -> None:
    access = an_access(an_organization(1000, value_micros=1_000_000))
    old = ended(access)
    move(old, 5 * HOUR)
    assert today.sum_up() > 0
    before = last_days().total
    # Whoever changed what is past is not believed: it was counted.
    Attempt.objects.filter(generation=old).update(cost_micros=99)
    assert last_days().total == before
    assert today.sum_up() == 0


def test_an_hour_that_is_counted_during_a_look_is_not_in_it_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    move(ended(an_access(an_organization(1000, value_micros=1_000_000))), 2 * HOUR)
    before, kept = last_days().total, today._kept

    def kept_a_moment_later(*args: Any) -> Any:
        assert today.sum_up() > 0
        return kept(*args)

    monkeypatch.setattr(today, "_kept", kept_a_moment_later)
    assert last_days().total == before
    assert before.images == 1


def test_attempt_that_outlives_its_order_is_counted_when_its_cost_is_known() -> None:
    access = an_access(an_organization(1000, value_micros=1_000_000))
    old = ended(access, fails=True, cost_micros=0)
    move(old, 5 * HOUR)
    late = Attempt.objects.create(generation=old, number=2, provider="portal", upstream=an_upstream())
    today.sum_up()
    hour = HourSum.objects.get(failed=1)
    counted = CountedHour.objects.get(hour=hour.hour)
    assert (hour.cost_micros, counted.is_final) == (0, False)
    Attempt.objects.filter(pk=late.pk).update(outcome="late", cost_micros=COST)
    CountedHour.objects.update(counted_at=read_db_now() - today.AGAIN_AFTER - HOUR)
    assert today.sum_up() >= 1
    hour.refresh_from_db()
    counted.refresh_from_db()
    assert (hour.cost_micros, counted.is_final) == (COST, True)


def test_what_nobody_has_counted_is_said() -> None:
    access = an_access(an_organization(1000, value_micros=1_000_000))
    ended(access)
    move(ended(access), 10 * DAY)
    found = last_days()
    assert found.missing == 10 * 24 + 1 - today.LIVE_HOURS
    assert found.total.images == 1


def test_margin_may_be_negative(alice: Person) -> None:
    ended(access_of_user(alice.user), cost_micros=50)
    assert last_days().today.margin_micros == -50


@pytest.mark.parametrize("back", [0, 5])
def test_each_shop_has_sums_of_its_own_and_currencies_are_never_added_up(back: int) -> None:
    """Counted live, and kept by the hour."""
    first, euro, other = first_shop(), a_shop(currency="eur").shop, a_shop(currency="usd").shop
    for shop, orders in ((first, 1), (other, 2), (euro, 3)):
        access = an_access(an_organization(1000, 1_000_000, shop=shop))
        for _order in range(orders):
            move(ended(access), back * HOUR)
    while today.sum_up():
        pass
    assert HourSum.objects.count() == (3 if back else 0)
    found = today.last_days()
    assert {currency: days.total.succeeded for currency, days in found.items()} == {"eur": 3, "usd": 3}
    assert {currency: days.total.cost_micros for currency, days in found.items()} == {
        "eur": 3 * COST,
        "usd": 3 * COST,
    }
    for shop, orders in ((first, 1), (other, 2), (euro, 3)):
        [(currency, days)] = today.last_days(shop.pk).items()
        assert (currency, days.total.succeeded, days.total.images) == (shop.currency, orders, orders)
        assert days.total.income_micros > 0
    [(currency, days)] = today.last_days(a_shop(currency="chf").shop.pk).items()
    assert (currency, days.total) == ("chf", Sums())


def test_an_hour_that_two_count_at_once_is_there_once() -> None:
    move(ended(an_access(an_organization(1000, value_micros=1_000_000))), 5 * HOUR)
    today.sum_up()
    CountedHour.objects.all().delete()  # as if the other one had not been there yet
    before = list(HourSum.objects.values())
    today.sum_up()
    assert list(HourSum.objects.values()) == before
