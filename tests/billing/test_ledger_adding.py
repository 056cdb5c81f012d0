"""What comes in: paid credits with their value, given credits without."""

import pytest

from billing import ledger
from billing.models import EntryNote, LedgerEntry
from tests.makers import MICROS, an_organization, new_reference, wallet_of

pytestmark = pytest.mark.django_db


def owing(credits: int) -> int:
    """An organization that owes `credits` and has nothing; its id."""
    organization = an_organization()
    ledger.claw_back(organization.pk, credits, value_micros=0, reference=new_reference(), actor="system")
    return organization.pk


def test_top_up_adds_credits_with_what_was_paid_for_them() -> None:
    organization = an_organization()
    entry = ledger.top_up(
        organization.pk, 100, net_value_micros=9 * MICROS, reference="payment:1:1", actor="system"
    )
    assert entry is not None
    assert (entry.kind, entry.available, entry.held, entry.owed) == ("top_up", 100, 0, 0)
    assert wallet_of(organization) == (100, 0, 0, 9 * MICROS)


def test_top_up_repays_what_is_owed_first_and_keeps_the_value_of_the_rest() -> None:
    organization_id = owing(40)
    entry = ledger.top_up(
        organization_id, 100, net_value_micros=10 * MICROS, reference="payment:1:1", actor="system"
    )
    assert entry is not None
    assert (entry.available, entry.owed, entry.value_micros) == (60, -40, 6 * MICROS)


def test_top_up_smaller_than_the_debt_leaves_no_value() -> None:
    organization_id = owing(40)
    entry = ledger.top_up(
        organization_id, 30, net_value_micros=3 * MICROS, reference="payment:1:1", actor="system"
    )
    assert entry is not None
    assert (entry.available, entry.owed, entry.value_micros) == (0, -30, 0)


def test_value_of_a_share_is_rounded_down() -> None:
    organization_id = owing(1)
    entry = ledger.top_up(organization_id, 3, net_value_micros=100, reference="payment:1:1", actor="system")
    assert entry is not None
    assert entry.value_micros == 66


def test_grant_adds_credits_without_value_and_keeps_its_reason_beside() -> None:
    organization = an_organization()
    entry = ledger.grant(organization.pk, 5, reference="welcome:1", actor="system", note="Hello " * 200)
    assert entry is not None
    assert (entry.kind, entry.available, entry.value_micros) == ("grant", 5, 0)
    assert EntryNote.objects.get(entry=entry).text == ("Hello " * 200)[:500]


def test_grant_repays_what_is_owed_first() -> None:
    entry = ledger.grant(owing(3), 5, reference="welcome:1", actor="system")
    assert entry is not None
    assert (entry.available, entry.owed) == (2, -3)


@pytest.mark.parametrize("kind", ["top_up", "grant"])
def test_second_addition_under_one_reference_changes_nothing(kind: str) -> None:
    organization, other = an_organization(), an_organization()

    def add(organization_id: int, credits: int) -> LedgerEntry | None:
        if kind == "grant":
            return ledger.grant(organization_id, credits, reference="voucher:1", actor="system")
        return ledger.top_up(
            organization_id, credits, net_value_micros=credits, reference="voucher:1", actor="system"
        )

    assert add(organization.pk, 7) is not None
    before = wallet_of(organization)
    assert add(organization.pk, 7) is None
    assert add(organization.pk, 8) is None
    assert add(other.pk, 7) is None
    assert wallet_of(organization) == before
    assert wallet_of(other) == (0, 0, 0, 0)
    assert LedgerEntry.objects.filter(reference="voucher:1").count() == 1


def test_one_reference_may_have_one_entry_of_each_kind() -> None:
    organization = an_organization()
    for add in (ledger.grant, ledger.take):
        assert add(organization.pk, 3, reference="manual:1", actor="system") is not None
    assert wallet_of(organization) == (0, 0, 0, 0)
