"""Proof that the books agree: each rule is one query that finds the rows that do not.

Apps above add rules for the causes of their references (`rules`, `known_causes`), filled in ready(). All rules
of a run read one snapshot, on a connection of their own, so that it can run beside traffic.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from billing import triggers


@dataclass(frozen=True, slots=True)
class Rule:
    """`sql` runs on both databases and yields the rows that disagree; its first column names the subject."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    row: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.rule}: " + " ".join(f"{column}={value}" for column, value in self.row.items())


# References start with a cause, as in `generation:task_…`; holds of an unknown cause are findings.
known_causes: list[str] = []

rules: list[Rule] = [
    Rule(
        "organization_has_no_wallet",
        """
        SELECT o.slug AS organization FROM accounts_organization o
        WHERE NOT EXISTS (SELECT 1 FROM billing_wallet w WHERE w.organization_id = o.id)
        """,
    ),
    Rule(
        "wallet_is_not_the_sum_of_its_entries",
        """
        SELECT o.slug AS wallet, w.available, e.available AS entries_available, w.held, e.held AS entries_held,
               w.owed, e.owed AS entries_owed, w.value_micros, e.value_micros AS entries_value_micros
        FROM billing_wallet w
        JOIN accounts_organization o ON o.id = w.organization_id
        LEFT JOIN (
            SELECT wallet_id, SUM(available) AS available, SUM(held) AS held, SUM(owed) AS owed,
                   SUM(value_micros) AS value_micros
            FROM billing_ledgerentry GROUP BY wallet_id
        ) e ON e.wallet_id = w.id
        WHERE w.available <> COALESCE(e.available, 0) OR w.held <> COALESCE(e.held, 0)
           OR w.owed <> COALESCE(e.owed, 0) OR w.value_micros <> COALESCE(e.value_micros, 0)
        """,
    ),
    Rule(
        "wallet_open_tasks_are_not_its_open_holds",
        """
        SELECT o.slug AS wallet, w.open_tasks, COUNT(h.id) AS open_holds
        FROM billing_wallet w
        JOIN accounts_organization o ON o.id = w.organization_id
        LEFT JOIN billing_ledgerentry h ON h.wallet_id = w.id AND h.kind = 'hold' AND NOT EXISTS (
            SELECT 1 FROM billing_ledgerentry s
            WHERE s.reference = h.reference AND s.kind IN ('capture', 'release'))
        GROUP BY o.slug, w.id, w.open_tasks HAVING w.open_tasks <> COUNT(h.id)
        """,
    ),
    Rule(
        "wallet_is_in_an_impossible_state",
        """
        SELECT o.slug AS wallet, w.available, w.held, w.owed, w.value_micros, w.open_tasks
        FROM billing_wallet w JOIN accounts_organization o ON o.id = w.organization_id
        WHERE w.available < 0 OR w.held < 0 OR w.owed < 0 OR w.value_micros < 0 OR w.open_tasks < 0
           OR (w.owed > 0 AND w.available > 0)
        """,
    ),
    Rule(
        "settlement_does_not_match_its_hold",
        """
        SELECT s.reference, s.kind, s.held AS settled, h.held
        FROM billing_ledgerentry s
        LEFT JOIN billing_ledgerentry h ON h.reference = s.reference AND h.kind = 'hold'
        WHERE s.kind IN ('capture', 'release')
          AND (h.id IS NULL OR h.wallet_id <> s.wallet_id OR h.held <> -s.held)
        """,
    ),
    Rule(
        "reference_is_settled_twice",
        """
        SELECT reference, COUNT(*) AS settlements FROM billing_ledgerentry
        WHERE kind IN ('capture', 'release') GROUP BY reference HAVING COUNT(*) > 1
        """,
    ),
]


@contextmanager
def snapshot() -> Iterator[CursorWrapper]:
    """A cursor whose queries all see one moment. Read-only: it delays nobody's accept.

    PostgreSQL: REPEATABLE READ, since at READ COMMITTED each query sees another moment and raises false alarms.
    SQLite: BEGIN DEFERRED, since an IMMEDIATE reader would lock out every writer.
    """
    own = connection.copy()
    postgresql = own.vendor == "postgresql"
    own.settings_dict = {**own.settings_dict, "OPTIONS": dict(own.settings_dict.get("OPTIONS", {}))}
    own.settings_dict["OPTIONS"].pop("pool", None)
    own.settings_dict["OPTIONS"].pop("transaction_mode", None)
    try:
        with own.cursor() as cursor:
            level = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if postgresql else "BEGIN DEFERRED"
            cursor.execute(level)
            if postgresql:
                cursor.execute("SET LOCAL statement_timeout = 0")
            yield cursor
            cursor.execute("ROLLBACK")
    finally:
        own.close()


def check(cursor: CursorWrapper) -> list[Finding]:
    """Every row that disagrees with a rule, as this cursor sees the database."""
    findings = [
        Finding("append_only_trigger_is_missing", {"trigger": name}) for name in triggers.missing(cursor.db)
    ]
    for rule in [*rules, _unknown_causes()]:
        cursor.execute(rule.sql)
        columns = [column[0] for column in cursor.description]
        findings += [Finding(rule.name, dict(zip(columns, row, strict=True))) for row in cursor.fetchall()]
    return findings


def check_snapshot() -> list[Finding]:
    with snapshot() as cursor:
        return check(cursor)


def _unknown_causes() -> Rule:
    known = " AND ".join(f"reference NOT LIKE '{cause}:%'" for cause in known_causes) or "1 = 1"
    return Rule(
        "hold_has_no_known_cause",
        f"SELECT reference, held FROM billing_ledgerentry WHERE kind = 'hold' AND {known}",  # noqa: S608 - ours
    )
