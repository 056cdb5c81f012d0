"""Each rule of the audit names what breaks it, and clean books give no findings."""

from collections.abc import Callable

import pytest
from django.db import connection

from billing import audit, ledger
from tests.billing.broken_books import CASES, Books, change_wallet, some_books
from tests.billing.lawless import lawless
from tests.makers import new_reference

pytestmark = pytest.mark.django_db
TRIGGER_RULE = "append_only_trigger_is_missing"


@pytest.fixture
def books(db: None) -> Books:
    return some_books()


def findings() -> list[audit.Finding]:
    with connection.cursor() as cursor:
        return [finding for finding in audit.check(cursor) if finding.rule != TRIGGER_RULE]


def test_clean_books_give_no_findings(books: Books) -> None:
    assert findings() == []


@pytest.mark.parametrize(("break_it", "expected"), CASES)
def test_what_is_broken_is_named(books: Books, break_it: Callable[[Books], None], expected: set[str]) -> None:
    with lawless():
        break_it(books)
        assert {finding.rule for finding in findings()} == expected


def test_every_rule_is_broken_by_a_test() -> None:
    broken = set().union(*(expected for _, expected in CASES))
    assert broken == {rule.name for rule in audit.rules} | {"hold_has_no_known_cause"}


def test_a_finding_names_the_row(books: Books) -> None:
    change_wallet(books, value_micros=1)
    [finding] = findings()
    assert finding.row["wallet"] == books.organization.slug
    assert str(finding).startswith(f"wallet_is_not_the_sum_of_its_entries: wallet={books.organization.slug} ")


def test_an_unpaid_debt_is_no_finding(books: Books) -> None:
    ledger.claw_back(books.organization.pk, 500, value_micros=2000, reference=new_reference(), actor="system")
    assert findings() == []
