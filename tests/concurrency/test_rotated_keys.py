"""Keys that were rotated into one another never pass their cap together, however many order at once."""

import datetime
import threading

import pytest
from django.db import connection
from django.db.models import F

from accounts import api_keys
from accounts.access import Access, access_of_key
from accounts.api_keys import MAX_LIVE_KEYS, KeyEnded, TooManyKeys, create_api_key, rotate_api_key
from accounts.models import ApiKey, Membership
from accounts.origin import NOWHERE
from billing import ledger
from billing.models import KeyUsage, Wallet
from config.keys import service
from config.keys.draft import Draft
from tests.cast import access_of_user
from tests.concurrency.conftest import RUNNERS
from tests.concurrency.outcomes import assert_books_are_right, tally
from tests.makers import PRICE_CREDITS, a_generation, an_access, an_organization
from tests.threads import together

DAY = datetime.timedelta(days=1)


def two_keys() -> list[Access]:
    """Of one family, during the overlap."""
    old = an_access(an_organization(10_000))
    assert old.key
    Wallet.objects.update(open_limit=1000)
    new, _secret = rotate_api_key(old.key, overlap=DAY)
    return [old, access_of_key(new)]


def test_both_keys_together_never_pass_a_cap(race_db: None) -> None:
    keys = two_keys()
    assert keys[1].key
    ledger.set_key_limits(keys[1].key.pk, month_cap=6 * PRICE_CREDITS + 14)
    outcomes = together(RUNNERS, lambda index: a_generation(keys[index % 2]).status)
    assert tally(outcomes) == {"queued": 6, "SpendCapReached": RUNNERS - 6}
    assert KeyUsage.objects.get().month_credits == 6 * PRICE_CREDITS
    assert_books_are_right()


def test_a_row_for_each_key_lets_both_together_pass_the_cap_control(race_db: None) -> None:
    cap = 6 * PRICE_CREDITS
    rows = [KeyUsage.objects.create(key=access.key, month_cap=cap) for access in two_keys() if access.key]

    def spend(index: int) -> bool:
        mine = KeyUsage.objects.filter(
            pk=rows[index % 2].pk, month_cap__gte=F("month_credits") + PRICE_CREDITS
        )
        return bool(mine.update(month_credits=F("month_credits") + PRICE_CREDITS))

    assert tally(together(RUNNERS, spend)) == {"True": 12, "False": RUNNERS - 12}
    assert sum(row.month_credits for row in KeyUsage.objects.all()) > cap


def test_orders_and_rotations_at_once_never_pass_a_cap(race_db: None) -> None:
    access = an_access(an_organization(10_000))
    assert access.key
    Wallet.objects.update(open_limit=1000)
    ledger.set_key_limits(access.key.pk, lifetime_cap=6 * PRICE_CREDITS)
    key = access.key

    def order_or_rotate(index: int) -> str:
        if index % 4:
            return a_generation(access).status
        new, _secret = rotate_api_key(key, overlap=DAY)
        return a_generation(access_of_key(new)).status

    counts = tally(together(RUNNERS, order_or_rotate))
    assert counts["queued"] == 6
    assert counts["KeyEnded"] == RUNNERS // 4 - 1
    assert KeyUsage.objects.get().lifetime_credits == 6 * PRICE_CREDITS
    assert_books_are_right()


def test_a_key_is_rotated_once_however_many_do_it_at_once(race_db: None) -> None:
    key = an_access(an_organization()).key
    assert key
    outcomes = together(RUNNERS, lambda _index: rotate_api_key(key, overlap=DAY)[0].pk)
    assert sum(isinstance(outcome, KeyEnded) for outcome in outcomes) == RUNNERS - 1
    assert ApiKey.objects.count() == 2


def test_a_key_as_it_was_read_before_is_rotated_by_all_who_read_it_control(
    race_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, runners = an_access(an_organization()).key, 8
    assert key
    monkeypatch.setattr(api_keys, "lock_unended", lambda as_it_was: as_it_was)  # nor is it read anew
    made = together(runners, lambda _index: rotate_api_key(key, overlap=DAY)[0].family_key_id)
    assert made == [key.pk] * runners
    assert ApiKey.objects.count() == 1 + runners


def test_keys_made_at_once_never_pass_the_limit(race_db: None) -> None:
    organization = an_organization()
    for _ in range(MAX_LIVE_KEYS - 5):
        create_api_key(organization, livemode=True)
    user = Membership.objects.get(organization=organization).user

    def make(_index: int) -> str:
        access = access_of_user(user, origin=NOWHERE)
        return service.create(access, Draft(name="ci", scopes=("read",)), livemode=True)[0].name

    outcomes = together(RUNNERS, make)
    assert tally(outcomes) == {"ci": 5, TooManyKeys.__name__: RUNNERS - 5}
    assert ApiKey.objects.count() == MAX_LIVE_KEYS


def test_counting_keys_first_passes_the_limit_control(race_db: None) -> None:
    organization = an_organization()
    most, everybody_has_counted = 5, threading.Barrier(RUNNERS)

    def make_naively(_index: int) -> bool:
        count = organization.api_keys.count()
        connection.close()
        everybody_has_counted.wait(30)
        if count >= most:
            return False
        create_api_key(organization, livemode=True)
        return True

    assert tally(together(RUNNERS, make_naively)) == {"True": RUNNERS}
