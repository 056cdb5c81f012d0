"""Impossible books are refused by the database itself, whoever asks."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.api_keys import create_api_key
from accounts.models import Organization
from billing import ledger
from billing.models import KeyUsage, LedgerEntry, Wallet
from tests.makers import an_organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization(db: None) -> Organization:
    organization = an_organization(100, 1000)
    ledger.hold(organization.pk, 10, reference="task:1", actor="system", key_id=None)
    connection.check_constraints()  # PostgreSQL truncates no table with pending checks
    return organization


def refuse(sql: str, because: str) -> None:
    with pytest.raises(DatabaseError, match=because), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE billing_ledgerentry SET available = available + 1",
        "UPDATE billing_ledgerentry SET actor = 'somebody else'",
        "DELETE FROM billing_ledgerentry",
        "DELETE FROM billing_ledgerentry WHERE kind = 'hold'",
        pytest.param("TRUNCATE billing_ledgerentry CASCADE", id="truncate"),
        pytest.param("TRUNCATE billing_wallet CASCADE", id="truncate the wallets"),
        pytest.param("TRUNCATE accounts_organization CASCADE", id="truncate the organizations"),
    ],
)
def test_entries_are_never_changed_or_deleted(organization: Organization, sql: str) -> None:
    if sql.startswith("TRUNCATE") and connection.vendor == "sqlite":
        sql = "DELETE FROM billing_ledgerentry WHERE 1 = 1"  # SQLite's truncate is this statement
    refuse(sql, because="never changed or deleted")
    assert LedgerEntry.objects.count() == 2


@pytest.mark.parametrize(
    "columns",
    ["id, wallet_id, kind, available, held, owed, value_micros, reference, actor, created_at"],
)
def test_entries_are_never_replaced(organization: Organization, columns: str) -> None:
    """An upsert over an entry is a change of it."""
    copy = f"SELECT {columns} FROM billing_ledgerentry WHERE kind = 'hold'"
    if connection.vendor == "sqlite":
        statements = [
            f"REPLACE INTO billing_ledgerentry ({columns}) {copy}",
            f"REPLACE INTO billing_ledgerentry ({columns}) "
            + copy.replace("SELECT id", "SELECT id + 1000").replace("'hold', ", ""),
        ]
    else:
        statements = [
            f"INSERT INTO billing_ledgerentry ({columns}) OVERRIDING SYSTEM VALUE {copy} "
            f"ON CONFLICT ({target}) DO UPDATE SET actor = 'somebody else'"
            for target in ("id", "reference, kind")
        ]
    for statement in statements:
        refuse(statement, because="never changed or deleted")


def test_a_settlement_is_not_replaced_by_another(organization: Organization) -> None:
    ledger.release(organization.pk, reference="task:1", actor="system", key_id=None)
    verb = "REPLACE" if connection.vendor == "sqlite" else "INSERT"
    refuse(
        f"{verb} INTO billing_ledgerentry (wallet_id, kind, available, held, owed, value_micros, reference, actor)"
        " SELECT wallet_id, 'capture', 0, held, 0, 0, reference, actor FROM billing_ledgerentry"
        " WHERE kind = 'release'",
        because="never changed or deleted" if verb == "REPLACE" else "one_settlement_per_reference",
    )


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"available": -1}, "wallet_available_not_negative"),
        ({"held": -1}, "wallet_held_not_negative"),
        ({"owed": -1, "available": 0}, "wallet_owed_not_negative"),
        ({"owed": 1}, "wallet_owes_only_when_empty"),
        ({"value_micros": -1}, "wallet_value_not_negative"),
        ({"open_tasks": -1}, "wallet_open_tasks_not_negative"),
    ],
)
def test_impossible_wallets_are_refused(
    organization: Organization, change: dict[str, int], constraint: str
) -> None:
    with pytest.raises(DatabaseError, match=constraint), transaction.atomic():
        Wallet.objects.filter(organization=organization).update(**change)


@pytest.mark.parametrize("column", ["open_tasks", "day_credits", "month_credits", "lifetime_credits"])
def test_a_key_has_never_spent_less_than_nothing(organization: Organization, column: str) -> None:
    key, _secret = create_api_key(organization, livemode=True)
    KeyUsage.objects.create(key=key)
    with pytest.raises(DatabaseError, match="key_usage_not_negative"), transaction.atomic():
        KeyUsage.objects.update(**{column: -1})


def insert(organization: Organization, **fields: object) -> Callable[[], LedgerEntry]:
    values: dict[str, object] = {"reference": "test:1", "actor": "system", **fields}
    return lambda: LedgerEntry.objects.create(wallet=organization.wallet, **values)


@pytest.mark.parametrize(
    ("kind", "available", "held", "owed", "value_micros"),
    [
        ("top_up", 0, 0, 0, 0),
        ("top_up", -1, 0, 0, 0),
        ("top_up", 1, 0, 1, 0),
        ("top_up", 1, 1, 0, 0),
        ("top_up", 1, 0, 0, -1),
        ("grant", 0, 0, 0, 0),
        ("grant", -5, 0, 0, 0),
        ("grant", 1, -1, 0, 0),
        ("grant", 1, 0, 0, 1),
        ("take", 0, 0, 0, 0),
        ("take", 1, 0, 0, 0),
        ("take", -1, 0, 1, 0),
        ("take", -1, 1, 0, 0),
        ("take", -1, 0, 0, 1),
        ("hold", 0, 0, 0, 0),
        ("hold", 1, -1, 0, 0),
        ("hold", -1, 2, 0, 0),
        ("hold", -1, 1, 1, 0),
        ("hold", -1, 1, 0, -1),
        ("capture", 0, 0, 0, 0),
        ("capture", 0, 1, 0, 0),
        ("capture", 2, -2, 0, 0),
        ("capture", 3, -2, 0, 0),
        ("capture", 0, -2, -2, 0),
        ("capture", -1, -2, 0, 0),
        ("capture", 0, -2, 1, 0),
        ("capture", 0, -2, 0, 1),
        ("release", 0, 0, 0, 0),
        ("release", 1, -2, 0, 0),
        ("release", 3, -2, 0, 0),
        ("release", 2, -2, -1, 0),
        ("release", 2, -2, 0, -1),
        ("release", -2, 2, 0, 0),
        ("claw_back", 0, 0, 0, 0),
        ("claw_back", 1, 0, 2, 0),
        ("claw_back", -1, 0, -1, 0),
        ("claw_back", -1, 1, 0, 0),
        ("claw_back", -1, 0, 0, 1),
        ("gift", 1, 0, 0, 0),
        ("", 1, 0, 0, 0),
    ],
)
def test_signs_that_do_not_fit_the_kind_are_refused(
    organization: Organization, kind: str, available: int, held: int, owed: int, value_micros: int
) -> None:
    create = insert(
        organization, kind=kind, available=available, held=held, owed=owed, value_micros=value_micros
    )
    with pytest.raises(DatabaseError, match="entry_signs_fit_kind"), transaction.atomic():
        create()


@pytest.mark.parametrize("nameless", [{"reference": ""}, {"actor": ""}])
def test_a_nameless_entry_is_refused(organization: Organization, nameless: dict[str, object]) -> None:
    create = insert(organization, kind="grant", available=1, **nameless)
    with pytest.raises(DatabaseError, match="entry_names_cause_and_actor"), transaction.atomic():
        create()


def test_second_entry_of_a_reference_and_kind_is_refused(organization: Organization) -> None:
    create = insert(organization, kind="grant", available=1)
    create()
    with pytest.raises(DatabaseError), transaction.atomic():
        create()


@pytest.mark.parametrize("first", ["capture", "release"])
@pytest.mark.parametrize("second", ["capture", "release"])
def test_second_settlement_of_a_reference_is_refused(
    organization: Organization, first: str, second: str
) -> None:
    amounts = {"capture": {"available": 0, "held": -1}, "release": {"available": 1, "held": -1}}
    insert(organization, kind=first, **amounts[first])()
    with pytest.raises(DatabaseError), transaction.atomic():
        insert(organization, kind=second, **amounts[second])()
