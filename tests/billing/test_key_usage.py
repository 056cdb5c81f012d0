"""What one key may have open and spend, per day, month and lifetime."""

import datetime

import pytest
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from accounts.api_keys import create_api_key
from accounts.models import ApiKey, Organization
from billing import ledger
from billing.errors import InsufficientCredits, SpendCapReached, TooManyOpenTasks
from billing.models import KeyUsage, LedgerEntry
from tests.makers import an_organization, wallet_of

pytestmark = pytest.mark.django_db
CAPS = ("day_cap", "month_cap", "lifetime_cap")


@pytest.fixture
def organization(db: None) -> Organization:
    return an_organization(1000)


@pytest.fixture
def key(organization: Organization) -> ApiKey:
    key, _secret = create_api_key(organization, livemode=True)
    KeyUsage.objects.create(key=key)
    return key


def limit(key: ApiKey, **limits: int) -> None:
    KeyUsage.objects.filter(key=key).update(**limits)


def hold(key: ApiKey, credits: int, reference: str) -> None:
    ledger.hold(key.organization_id, credits, reference=reference, actor=key.actor, key_id=key.pk)


def capture(key: ApiKey, consumed: int, reference: str) -> None:
    ledger.capture(key.organization_id, consumed, reference=reference, actor="system", key_id=key.pk)


def spent(key: ApiKey) -> tuple[int, int, int, int]:
    """Open tasks, and credits of day, month and lifetime."""
    usage = KeyUsage.objects.get(key=key)
    return usage.open_tasks, usage.day_credits, usage.month_credits, usage.lifetime_credits


def refused(key: ApiKey, credits: int) -> SpendCapReached:
    before = (spent(key), wallet_of(key.organization), LedgerEntry.objects.count())
    with pytest.raises(SpendCapReached) as caught:
        hold(key, credits, "task:refused")
    assert (spent(key), wallet_of(key.organization), LedgerEntry.objects.count()) == before
    return caught.value


def test_a_hold_counts_at_once_and_what_returns_counts_no_more(key: ApiKey) -> None:
    hold(key, 60, "task:1")
    assert spent(key) == (1, 60, 60, 60)
    capture(key, 45, "task:1")
    assert spent(key) == (0, 45, 45, 45)
    hold(key, 15, "task:2")
    ledger.release(key.organization_id, reference="task:2", actor="system", key_id=key.pk)
    assert spent(key) == (0, 45, 45, 45)


def test_the_first_hold_of_a_key_opens_its_account(organization: Organization) -> None:
    key, _secret = create_api_key(organization, livemode=True)
    hold(key, 15, "task:1")
    assert spent(key) == (1, 15, 15, 15)


def test_a_second_settlement_is_not_counted(key: ApiKey) -> None:
    hold(key, 60, "task:1")
    capture(key, 45, "task:1")
    capture(key, 45, "task:1")
    assert spent(key) == (0, 45, 45, 45)


@pytest.mark.parametrize("cap", CAPS)
def test_a_cap_is_reached_exactly_and_never_passed(key: ApiKey, cap: str) -> None:
    limit(key, **{cap: 40})
    hold(key, 15, "task:1")
    error = refused(key, 26)
    assert error.details == {"required": 26, "available": 25}
    assert (error.status, error.type, error.limit_source) == (402, "spend_cap_reached", "key")
    hold(key, 25, "task:2")
    assert refused(key, 1).details == {"required": 1, "available": 0}


def test_the_tightest_cap_says_what_is_left(key: ApiKey) -> None:
    limit(key, day_cap=100, month_cap=30, lifetime_cap=50)
    hold(key, 10, "task:1")
    assert refused(key, 21).details["available"] == 20


def test_a_cap_below_what_was_spent_leaves_nothing(key: ApiKey) -> None:
    hold(key, 15, "task:1")
    limit(key, lifetime_cap=10)
    assert refused(key, 1).details["available"] == 0


def test_a_new_day_and_a_new_month_start_from_nothing(key: ApiKey) -> None:
    limit(key, day_cap=20, month_cap=40)
    hold(key, 15, "task:1")
    KeyUsage.objects.update(day=F("day") - datetime.timedelta(days=1))
    hold(key, 15, "task:2")
    assert spent(key) == (2, 15, 30, 30)
    KeyUsage.objects.update(
        day=F("day") - datetime.timedelta(days=40), month=F("month") - datetime.timedelta(days=40)
    )
    hold(key, 15, "task:3")
    assert spent(key) == (3, 15, 15, 45)


def test_what_returns_counts_in_the_period_of_its_acceptance(key: ApiKey) -> None:
    hold(key, 15, "task:1")
    KeyUsage.objects.update(
        day=F("day") - datetime.timedelta(days=40), month=F("month") - datetime.timedelta(days=40)
    )
    capture(key, 5, "task:1")
    assert spent(key) == (0, 15, 15, 5)


def test_a_database_clock_that_was_set_back_stops_no_settlement(key: ApiKey) -> None:
    hold(key, 15, "task:1")
    KeyUsage.objects.update(day_credits=3, month_credits=3)
    ledger.release(key.organization_id, reference="task:1", actor="system", key_id=key.pk)
    assert spent(key) == (0, 0, 0, 0)


@pytest.mark.parametrize("zone_hours", [-14, 14])
def test_days_are_those_of_utc_whatever_zone_is_active(key: ApiKey, zone_hours: int) -> None:
    with timezone.override(datetime.timezone(datetime.timedelta(hours=zone_hours))):
        hold(key, 15, "task:1")
        usage = KeyUsage.objects.get(key=key)
        assert usage.day == LedgerEntry.objects.get(reference="task:1").created_at.date()
        assert usage.month == usage.day.replace(day=1)
        ledger.release(key.organization_id, reference="task:1", actor="system", key_id=key.pk)
    assert spent(key) == (0, 0, 0, 0)


def test_open_tasks_of_a_key_are_limited(key: ApiKey) -> None:
    limit(key, open_limit=2)
    hold(key, 1, "task:1")
    hold(key, 1, "task:2")
    with pytest.raises(TooManyOpenTasks) as caught:
        hold(key, 1, "task:3")
    assert (caught.value.limit_source, caught.value.retry_after) == ("key", 2)
    capture(key, 1, "task:1")
    hold(key, 1, "task:3")


def test_tasks_that_hold_nothing_are_limited_by_the_default(key: ApiKey) -> None:
    ledger.open_key_task(key.pk, 0, default_limit=1)
    with pytest.raises(TooManyOpenTasks):
        ledger.open_key_task(key.pk, 0, default_limit=1)
    limit(key, open_limit=2)
    ledger.open_key_task(key.pk, 0, default_limit=1)
    assert spent(key) == (2, 0, 0, 0)


def test_too_many_open_tasks_are_said_before_a_reached_cap(key: ApiKey, settings: Settings) -> None:
    settings.MAX_OPEN_TASKS = 1
    limit(key, lifetime_cap=15)
    hold(key, 15, "task:1")
    with pytest.raises(TooManyOpenTasks) as caught:
        hold(key, 15, "task:2")
    assert caught.value.limit_source == "organization"


def test_a_wallet_that_refuses_leaves_the_key_as_it_was(key: ApiKey) -> None:
    hold(key, 990, "task:1")
    before = spent(key)
    with pytest.raises(InsufficientCredits):
        hold(key, 15, "task:2")
    assert spent(key) == before
