"""What leaves without an image: credits that an operator takes, payments that go back."""

import pytest

from billing import ledger
from tests.makers import MICROS, an_organization, new_reference, wallet_of

pytestmark = pytest.mark.django_db


def test_take_removes_credits_with_their_share_of_the_value() -> None:
    organization = an_organization(100, 10 * MICROS)
    entry = ledger.take(organization.pk, 30, reference="manual:1", actor="staff:1", note="mistake")
    assert entry is not None
    assert (entry.available, entry.owed, entry.value_micros) == (-30, 0, -3 * MICROS)
    assert wallet_of(organization) == (70, 0, 0, 7 * MICROS)


def test_take_counts_held_credits_when_it_shares_the_value() -> None:
    organization = an_organization(100, 10 * MICROS)
    ledger.hold(organization.pk, 50, reference="task:1", actor="system", key_id=None)
    entry = ledger.take(organization.pk, 80, reference="manual:1", actor="staff:1")
    assert entry is not None
    assert (entry.available, entry.value_micros) == (-50, -5 * MICROS)
    assert wallet_of(organization) == (0, 50, 0, 5 * MICROS)


def test_take_never_makes_a_debt() -> None:
    organization = an_organization(10, 101)
    entry = ledger.take(organization.pk, 25, reference="manual:1", actor="staff:1")
    assert entry is not None
    assert entry.available == -10
    assert wallet_of(organization) == (0, 0, 0, 0)
    assert ledger.take(organization.pk, 1, reference="manual:2", actor="staff:1") is None


def test_claw_back_takes_available_credits_and_what_their_payment_brought() -> None:
    organization = an_organization(100, 10 * MICROS)
    entry = ledger.claw_back(
        organization.pk, 40, value_micros=4 * MICROS, reference="payment:1:2", actor="system"
    )
    assert entry is not None
    assert (entry.kind, entry.available, entry.owed, entry.value_micros) == ("claw_back", -40, 0, -4 * MICROS)
    assert wallet_of(organization) == (60, 0, 0, 6 * MICROS)


def test_claw_back_of_spent_credits_is_owed() -> None:
    organization = an_organization(100, 10 * MICROS)
    ledger.hold(organization.pk, 70, reference="task:1", actor="system", key_id=None)
    entry = ledger.claw_back(
        organization.pk, 100, value_micros=10 * MICROS, reference="payment:1:2", actor="system"
    )
    assert entry is not None
    assert (entry.available, entry.owed) == (-30, 70)
    assert wallet_of(organization) == (0, 70, 70, 0)


def test_claw_back_removes_at_most_the_value_that_is_left() -> None:
    organization = an_organization(100, 10 * MICROS)
    ledger.hold(organization.pk, 70, reference="task:1", actor="system", key_id=None)
    ledger.capture(organization.pk, 70, reference="task:1", actor="system", key_id=None)
    ledger.claw_back(organization.pk, 100, value_micros=10 * MICROS, reference="payment:1:2", actor="system")
    assert wallet_of(organization) == (0, 0, 70, 0)


def test_second_removal_under_one_reference_changes_nothing() -> None:
    organization, other = an_organization(100), an_organization(100)
    for _ in range(2):
        ledger.take(organization.pk, 10, reference="manual:1", actor="staff:1")
        ledger.claw_back(organization.pk, 10, value_micros=0, reference="payment:1:2", actor="system")
    assert ledger.take(other.pk, 10, reference="manual:1", actor="staff:1") is None
    assert ledger.claw_back(other.pk, 1, value_micros=0, reference="payment:1:2", actor="system") is None
    assert wallet_of(organization) == (80, 0, 0, 0)
    assert wallet_of(other) == (100, 0, 0, 0)


def test_while_something_is_owed_there_is_nothing_available() -> None:
    organization = an_organization(10)
    ledger.claw_back(organization.pk, 25, value_micros=0, reference=new_reference(), actor="system")
    assert wallet_of(organization) == (0, 0, 15, 0)
    ledger.claw_back(organization.pk, 5, value_micros=0, reference=new_reference(), actor="system")
    assert wallet_of(organization) == (0, 0, 20, 0)
