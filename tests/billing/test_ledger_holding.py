"""Promised, then spent or given back."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from pytest_django import Settings

from billing import ledger
from billing.errors import InsufficientCredits, PaymentOwed, TooManyOpenTasks
from billing.models import LedgerEntry, Wallet
from tests.makers import MICROS, an_organization, new_reference, open_tasks_of, wallet_of

pytestmark = pytest.mark.django_db


def hold(organization_id: int, credits: int, reference: str = "task:1") -> None:
    ledger.hold(organization_id, credits, reference=reference, actor="system", key_id=None)


def capture(organization_id: int, consumed: int, reference: str = "task:1") -> LedgerEntry | None:
    return ledger.capture(organization_id, consumed, reference=reference, actor="system", key_id=None)


def release(organization_id: int, reference: str = "task:1") -> LedgerEntry | None:
    return ledger.release(organization_id, reference=reference, actor="system", key_id=None)


def test_hold_moves_credits_from_available_to_held_and_counts_a_task() -> None:
    organization = an_organization(20, 2 * MICROS)
    hold(organization.pk, 15)
    entry = LedgerEntry.objects.get(reference="task:1", kind="hold")
    assert (entry.available, entry.held, entry.owed, entry.value_micros) == (-15, 15, 0, 0)
    assert wallet_of(organization) == (5, 15, 0, 2 * MICROS)
    assert open_tasks_of(organization) == 1


def test_capture_of_everything_ends_the_hold_with_its_share_of_the_value() -> None:
    organization = an_organization(20, 2 * MICROS)
    hold(organization.pk, 15)
    entry = capture(organization.pk, 15)
    assert entry is not None
    assert (entry.available, entry.held, entry.owed, entry.value_micros) == (0, -15, 0, -1_500_000)
    assert wallet_of(organization) == (5, 0, 0, 500_000)
    assert open_tasks_of(organization) == 0


def test_capture_returns_what_was_not_delivered_in_the_same_entry() -> None:
    organization = an_organization(100, 10 * MICROS)
    hold(organization.pk, 60)
    entry = capture(organization.pk, 45)
    assert entry is not None
    assert (entry.available, entry.held, entry.value_micros) == (15, -60, -4_500_000)
    assert wallet_of(organization) == (55, 0, 0, 5_500_000)


@pytest.mark.parametrize(
    ("owed", "expected"),
    [(10, (5, -10, (5, 0, 0))), (15, (0, -15, (0, 0, 0))), (40, (0, -15, (0, 0, 25)))],
)
def test_credits_that_come_back_repay_what_is_owed_first(
    owed: int, expected: tuple[int, int, tuple[int, int, int]]
) -> None:
    organization = an_organization(60)
    hold(organization.pk, 60)
    ledger.claw_back(organization.pk, owed, value_micros=0, reference=new_reference(), actor="system")
    entry = capture(organization.pk, 45)
    assert entry is not None
    assert (entry.available, entry.owed, wallet_of(organization)[:3]) == expected


def test_release_gives_everything_back_and_repays_first() -> None:
    organization = an_organization(60, MICROS)
    hold(organization.pk, 60)
    ledger.claw_back(organization.pk, 20, value_micros=0, reference=new_reference(), actor="system")
    entry = release(organization.pk)
    assert entry is not None
    assert (entry.available, entry.held, entry.owed, entry.value_micros) == (40, -60, -20, 0)
    assert wallet_of(organization) == (40, 0, 0, MICROS)
    assert open_tasks_of(organization) == 0


def test_the_last_credit_takes_all_value_that_is_left() -> None:
    organization = an_organization(3, 100)
    for task, value_left in (("task:1", 67), ("task:2", 34), ("task:3", 0)):
        hold(organization.pk, 1, task)
        capture(organization.pk, 1, task)
        assert wallet_of(organization)[3] == value_left


def test_capture_takes_all_value_when_what_returns_only_repays() -> None:
    organization = an_organization(60, MICROS)
    hold(organization.pk, 60)
    ledger.claw_back(organization.pk, 50, value_micros=0, reference=new_reference(), actor="system")
    capture(organization.pk, 45)
    assert wallet_of(organization) == (0, 0, 35, 0)


def test_a_hold_is_settled_once() -> None:
    organization = an_organization(60)
    hold(organization.pk, 30)
    assert capture(organization.pk, 15) is not None
    for second in (capture(organization.pk, 15), capture(organization.pk, 30), release(organization.pk)):
        assert second is None
    assert wallet_of(organization) == (45, 0, 0, 0)
    assert open_tasks_of(organization) == 0


def test_second_hold_of_a_reference_is_refused_and_changes_nothing() -> None:
    organization = an_organization(60)
    hold(organization.pk, 30)
    with pytest.raises(IntegrityError):
        hold(organization.pk, 30)
    assert wallet_of(organization) == (30, 30, 0, 0)
    assert open_tasks_of(organization) == 1


def test_settling_what_was_never_held_is_an_error() -> None:
    organization, other = an_organization(60), an_organization(60)
    hold(other.pk, 30)
    with pytest.raises(ledger.UnknownHold):
        release(organization.pk)
    assert wallet_of(other) == (30, 30, 0, 0)


def test_more_than_was_held_cannot_be_consumed() -> None:
    organization = an_organization(60)
    hold(organization.pk, 15)
    with pytest.raises(ValueError, match="16 consumed of 15"):
        capture(organization.pk, 16)
    assert wallet_of(organization) == (45, 15, 0, 0)


def refused(organization_id: int, credits: int, error: type[Exception]) -> Exception:
    """The refusal of a hold, after which nothing was written."""
    entries, wallets = LedgerEntry.objects.count(), list(Wallet.objects.values())
    with pytest.raises(error) as caught:
        hold(organization_id, credits, "task:refused")
    assert (LedgerEntry.objects.count(), list(Wallet.objects.values())) == (entries, wallets)
    return caught.value


def test_hold_beyond_what_is_available_is_refused_with_both_numbers() -> None:
    organization = an_organization(14)
    error = refused(organization.pk, 15, InsufficientCredits)
    assert isinstance(error, InsufficientCredits)
    assert error.details == {"required": 15, "available": 14}
    assert (error.status, error.type, error.limit_source) == (402, "insufficient_credits", "wallet")


def test_hold_while_something_is_owed_is_refused() -> None:
    organization = an_organization(10)
    ledger.claw_back(organization.pk, 12, value_micros=0, reference=new_reference(), actor="system")
    error = refused(organization.pk, 1, PaymentOwed)
    assert isinstance(error, PaymentOwed)
    assert error.details == {"required": 1, "available": 0, "owed": 2}
    assert (error.status, error.type) == (402, "payment_owed")


def test_hold_beyond_the_open_tasks_is_refused(settings: Settings) -> None:
    settings.MAX_OPEN_TASKS = 2
    organization = an_organization(100)
    hold(organization.pk, 1, "task:1")
    hold(organization.pk, 1, "task:2")
    error = refused(organization.pk, 1, TooManyOpenTasks)
    assert isinstance(error, TooManyOpenTasks)
    assert (error.status, error.limit_source, error.retry_after) == (429, "organization", 2)
    release(organization.pk, "task:1")
    hold(organization.pk, 1, "task:3")


def test_a_wallet_may_have_a_limit_of_its_own(settings: Settings) -> None:
    settings.MAX_OPEN_TASKS = 1
    organization = an_organization(100)
    Wallet.objects.filter(organization=organization).update(open_limit=2)
    hold(organization.pk, 1, "task:1")
    hold(organization.pk, 1, "task:2")
    refused(organization.pk, 1, TooManyOpenTasks)
    Wallet.objects.filter(organization=organization).update(open_limit=0)
    refused(organization.pk, 1, TooManyOpenTasks)


def test_too_many_open_tasks_is_said_before_missing_credits(settings: Settings) -> None:
    settings.MAX_OPEN_TASKS = 1
    organization = an_organization(1)
    hold(organization.pk, 1, "task:1")
    refused(organization.pk, 1, TooManyOpenTasks)


@pytest.mark.parametrize("credits", [0, -1])
def test_amounts_are_at_least_one(credits: int) -> None:
    organization = an_organization(10)
    hold(organization.pk, 5)
    calls: list[Callable[[], object]] = [
        lambda: ledger.top_up(organization.pk, credits, net_value_micros=0, reference="r:1", actor="system"),
        lambda: ledger.grant(organization.pk, credits, reference="r:1", actor="system"),
        lambda: ledger.take(organization.pk, credits, reference="r:1", actor="system"),
        lambda: ledger.claw_back(organization.pk, credits, value_micros=0, reference="r:1", actor="system"),
        lambda: hold(organization.pk, credits, "r:1"),
        lambda: capture(organization.pk, credits),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="at least 1"):
            call()
    assert wallet_of(organization) == (5, 5, 0, 0)


@pytest.mark.parametrize(("reference", "actor"), [("", "system"), ("r:1", "")])
def test_an_entry_names_its_cause_and_its_actor(reference: str, actor: str) -> None:
    organization = an_organization(10)
    with pytest.raises(IntegrityError), transaction.atomic():
        ledger.grant(organization.pk, 1, reference=reference, actor=actor)
    assert wallet_of(organization) == (10, 0, 0, 0)
