"""Vouchers, welcome credits and low balances, when everybody comes at once."""

import threading

import pytest
from django.db import connection
from django.db.models import F
from pytest_django import Settings

from accounts import throttling
from accounts.gcra import Rate
from accounts.models import Organization, QueuedMail, User
from accounts.organizations import create_organization
from accounts.shops import first_shop
from billing import ledger, low_balance, vouchers, welcome
from billing.models import BalanceNotice, Redemption, Voucher, Wallet, Welcome, WelcomeCount
from tests.billing.gifts import a_person, a_voucher, owner_of
from tests.concurrency.conftest import RUNNERS
from tests.concurrency.outcomes import assert_books_are_right, tally
from tests.makers import an_organization, wallet_of
from tests.threads import together

LIMIT = 5
SWEEPS = 8


@pytest.fixture
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many tries as there are runners: here the voucher's own limits are raced for."""
    for name in ("PERSON_RATE", "ORGANIZATION_RATE"):
        monkeypatch.setattr(vouchers, name, Rate("voucher", per_minute=1, burst=10 * RUNNERS))
    monkeypatch.setattr(throttling, "_limiter", throttling.ProcessLimiter())


def organizations(count: int) -> list[tuple[Organization, User]]:
    made = [an_organization() for _ in range(count)]
    return [(organization, owner_of(organization)) for organization in made]


def redeem_at_once(voucher: Voucher, by: list[tuple[Organization, User]]) -> dict[str, int]:
    connection.close()

    def redeem(index: int) -> int:
        organization, user = by[index]
        return vouchers.redeem(organization, user, voucher.code)

    return tally(together(len(by), redeem))


def test_a_voucher_is_used_as_often_as_it_may_in_all(race_db: None, no_hurry: None) -> None:
    voucher = a_voucher(total_limit=LIMIT)
    by = organizations(RUNNERS)
    assert redeem_at_once(voucher, by) == {"100": LIMIT, "VoucherUsedUp": RUNNERS - LIMIT}
    voucher.refresh_from_db()
    assert (voucher.redeemed, Redemption.objects.count()) == (LIMIT, LIMIT)
    assert sum(wallet_of(organization)[0] for organization, _user in by) == 100 * LIMIT
    assert_books_are_right()


def test_reading_how_often_first_lets_all_through_control(race_db: None) -> None:
    voucher = a_voucher(total_limit=None)
    everybody_has_read = threading.Barrier(RUNNERS)

    def redeem_naively(_index: int) -> bool:
        used = Voucher.objects.get(pk=voucher.pk).redeemed
        connection.close()
        everybody_has_read.wait(30)
        return used < LIMIT and bool(Voucher.objects.filter(pk=voucher.pk).update(redeemed=F("redeemed") + 1))

    assert tally(together(RUNNERS, redeem_naively)) == {"True": RUNNERS}


def test_an_organization_uses_it_once_whoever_types_it(race_db: None, no_hurry: None) -> None:
    voucher, organization = a_voucher(), an_organization()
    by = [(organization, a_person()) for _ in range(RUNNERS)]
    assert redeem_at_once(voucher, by) == {"100": 1, "VoucherAlreadyUsedTogether": RUNNERS - 1}
    assert wallet_of(organization)[0] == 100
    assert_books_are_right()


def test_a_person_uses_it_once_in_whichever_organization(race_db: None, no_hurry: None) -> None:
    voucher, user = a_voucher(), a_person()
    by = [(organization, user) for organization, _owner in organizations(RUNNERS)]
    assert redeem_at_once(voucher, by) == {"100": 1, "VoucherAlreadyUsed": RUNNERS - 1}
    assert Redemption.objects.count() == 1
    assert_books_are_right()


def test_counting_redemptions_first_lets_all_through_control(race_db: None) -> None:
    voucher, organization = a_voucher(), an_organization()
    people = [a_person() for _ in range(RUNNERS)]
    connection.close()
    everybody_has_counted = threading.Barrier(RUNNERS)

    def redeem_naively(index: int) -> bool:
        used = Redemption.objects.filter(voucher=voucher, organization=organization).count()
        connection.close()
        everybody_has_counted.wait(30)
        if used:
            return False
        Redemption.objects.create(
            voucher=voucher,
            organization=organization,
            user=people[index].uuid,
            credits=1,
            organization_number=index + 1,  # the guard that is away: whoever counted 0 is number 1
            person_number=1,
        )
        return True

    assert tally(together(RUNNERS, redeem_naively)) == {"True": RUNNERS}


# --- Welcome credits ----------------------------------------------------------------------------


def founders(count: int) -> list[tuple[User, Organization]]:
    people = [a_person() for _ in range(count)]
    return [(user, create_organization(first_shop(), user.email, user)) for user in people]


def test_a_person_is_welcomed_once(race_db: None, settings: Settings) -> None:
    settings.WELCOME_CREDITS, settings.WELCOME_PER_NETWORK_PER_DAY = 50, 1000
    [(user, organization)] = founders(1)
    connection.close()
    given = together(RUNNERS, lambda _index: welcome.give(user, "203.0.113.7"))
    assert tally(given) == {"50": 1, "0": RUNNERS - 1}
    assert wallet_of(organization)[0] == 50
    assert WelcomeCount.objects.get(network="").count == 1
    assert_books_are_right()


def test_looking_for_their_welcome_first_gives_it_as_often_as_they_come_control(race_db: None) -> None:
    [(user, organization)] = founders(1)
    reference = f"welcome:{user.uuid}"
    connection.close()
    everybody_has_looked = threading.Barrier(RUNNERS)

    def give_naively(index: int) -> bool:
        is_new = not Welcome.objects.filter(reference=reference).exists()
        connection.close()
        everybody_has_looked.wait(30)
        if not is_new:
            return False
        # The guard that is away: the database takes a reference once.
        return bool(ledger.grant(organization.pk, 50, reference=f"{reference}:{index}", actor="system"))

    assert tally(together(RUNNERS, give_naively)) == {"True": RUNNERS}
    assert wallet_of(organization)[0] == 50 * RUNNERS


@pytest.mark.parametrize("name", ["WELCOME_PER_DAY", "WELCOME_PER_NETWORK_PER_DAY"])
def test_no_more_are_welcomed_than_a_day_allows(race_db: None, settings: Settings, name: str) -> None:
    settings.WELCOME_CREDITS, settings.WELCOME_PER_NETWORK_PER_DAY = 50, 1000
    setattr(settings, name, LIMIT)
    people = founders(RUNNERS)
    connection.close()
    given = together(RUNNERS, lambda index: welcome.give(people[index][0], "203.0.113.7"))
    assert tally(given) == {"50": LIMIT, "0": RUNNERS - LIMIT}
    assert Welcome.objects.count() == LIMIT
    assert_books_are_right()


def test_counting_welcomes_first_lets_all_through_control(race_db: None) -> None:
    [(_user, organization)] = founders(1)
    connection.close()
    everybody_has_counted = threading.Barrier(RUNNERS)

    def give_naively(index: int) -> bool:
        given = Welcome.objects.count()
        connection.close()
        everybody_has_counted.wait(30)
        if given >= LIMIT:
            return False
        Welcome.objects.create(organization=organization, reference=f"welcome:{index}", credits=1)
        return True

    assert tally(together(RUNNERS, give_naively)) == {"True": RUNNERS}


# --- Low balances -------------------------------------------------------------------------------


def test_many_looks_tell_of_each_crossing_once(race_db: None) -> None:
    low = [an_organization(credits=10) for _ in range(4)]
    for organization in low:
        low_balance.set_threshold(organization.pk, 11)
    connection.close()
    seen = together(SWEEPS, lambda _index: low_balance.look())
    assert sum(count for count in seen if isinstance(count, int)) == len(low)
    assert QueuedMail.objects.count() == len(low)
    assert BalanceNotice.objects.filter(low_since=None).count() == 0


def test_reading_the_mark_first_tells_everybody_as_often_control(race_db: None) -> None:
    organization = an_organization(credits=10)
    low_balance.set_threshold(organization.pk, 11)
    connection.close()
    everybody_has_read = threading.Barrier(SWEEPS)

    def tell_naively(_index: int) -> bool:
        notice = BalanceNotice.objects.get(pk=organization.pk)
        wallet = Wallet.objects.get(organization=organization)
        connection.close()
        everybody_has_read.wait(30)
        return notice.low_since is None and wallet.available < notice.threshold_credits

    assert tally(together(SWEEPS, tell_naively)) == {"True": SWEEPS}
