"""Proof that the books agree: each rule is one query that finds the rows that do not.

Apps above add what they know of the causes of references (`rules`, `known_causes`, `marks`, `groupings`), filled in
ready(). All rules of a run read one snapshot, on a connection of their own, so that it can run beside traffic.

Rules read only what is younger than a proof (proofs.py); without one, all there is. It is the same SQL.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from billing.triggers import ENTRIES

NO_END = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Rule:
    """`sql` runs on both databases and yields the rows that disagree; its first column names the subject.

    Tables that grow are read above a mark, as in `e.id > %(entries)s`; a `%` of its own is doubled.
    """

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to which id of a table nothing changes any more.

    `newest` is a query for its highest id, `changing` one for the lowest above the mark whose row is not final.
    """

    name: str
    newest: str
    changing: str = ""


@dataclass(frozen=True, slots=True)
class Grouping:
    """Whose entries are summed up: `subject`, an id, of each entry `e` after `join`."""

    name: str
    subject: str
    join: str = ""


@dataclass(frozen=True, slots=True)
class Since:
    """Where a check begins: a stored proof and its marks."""

    proof_id: int
    marks: Mapping[str, int] = field(default_factory=dict)


BEGINNING = Since(0)


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    row: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.rule}: {self.words}"

    @property
    def words(self) -> str:
        return " ".join(f"{column}={value}" for column, value in self.row.items())


# References start with a cause, as in `generation:task_…`; holds of an unknown cause are findings.
known_causes: list[str] = []
rules: list[Rule] = []
marks: list[Mark] = []
groupings: list[Grouping] = []


def sums(grouping: Grouping) -> str:
    """SQL for (subject_id, available, held, owed, value_micros, open_holds): what is proven and the entries since."""
    return f"""
        SELECT subject_id, SUM(available) AS available, SUM(held) AS held, SUM(owed) AS owed,
               SUM(value_micros) AS value_micros, SUM(open_holds) AS open_holds
        FROM (
            SELECT subject_id, available, held, owed, value_micros, open_holds FROM billing_provensum
            WHERE proof_id = %(proof)s AND grouping = '{grouping.name}'
            UNION ALL
            SELECT {grouping.subject}, e.available, e.held, e.owed, e.value_micros,
                   CASE WHEN e.kind = 'hold' THEN 1 WHEN e.kind IN ('capture', 'release') THEN -1 ELSE 0 END
            FROM billing_ledgerentry e {grouping.join}
            WHERE e.id > %(entries)s AND e.id <= %(until)s
        ) known GROUP BY subject_id
    """  # noqa: S608 - ours


@contextmanager
def own_cursor() -> Iterator[CursorWrapper]:
    """Of a connection of its own, not one of the pool's, each statement a transaction."""
    own = connection.copy()
    own.settings_dict = {**own.settings_dict, "OPTIONS": dict(own.settings_dict.get("OPTIONS", {}))}
    own.settings_dict["OPTIONS"].pop("pool", None)
    own.settings_dict["OPTIONS"].pop("transaction_mode", None)
    try:
        with own.cursor() as cursor:
            yield cursor
    finally:
        own.close()


@contextmanager
def one_moment(cursor: CursorWrapper) -> Iterator[None]:
    """All queries inside see one moment. Read-only: it delays nobody's accept.

    PostgreSQL: REPEATABLE READ, since at READ COMMITTED each query sees another moment and raises false alarms.
    SQLite: BEGIN DEFERRED, since an IMMEDIATE reader would lock out every writer.
    """
    postgresql = cursor.db.vendor == "postgresql"
    cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if postgresql else "BEGIN DEFERRED")
    if postgresql:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            "SET LOCAL work_mem = '32MB'"
        )  # one reader; its sorts and hashes of all rows stay in memory
    yield
    cursor.execute("ROLLBACK")


@contextmanager
def snapshot() -> Iterator[CursorWrapper]:
    with own_cursor() as cursor, one_moment(cursor):
        yield cursor


def check(cursor: CursorWrapper, since: Since = BEGINNING) -> list[Finding]:
    """Every row that disagrees with a rule, as this cursor sees the database."""
    findings = [
        Finding("append_only_trigger_is_missing", {"trigger": name}) for name in ENTRIES.missing(cursor.db)
    ]
    for rule in all_rules():
        cursor.execute(rule.sql, parameters(since))
        columns = [column[0] for column in cursor.description]
        findings += [Finding(rule.name, dict(zip(columns, row, strict=True))) for row in cursor.fetchall()]
    return findings


def check_snapshot() -> list[Finding]:
    """Of everything, whatever was proven before."""
    with snapshot() as cursor:
        return check(cursor)


def parameters(since: Since, until: int = NO_END) -> dict[str, int]:
    """What rules and sums refer to; `until` bounds the entries that are summed."""
    beginning = {mark.name: 0 for mark in marks}
    return {"proof": since.proof_id, "until": until, **beginning, **since.marks}


def all_rules() -> list[Rule]:
    return [*rules, _unknown_causes()]


def digest() -> str:
    """Of all that a proof relies on: another release may have other rules, and then proves anew."""
    return hashlib.sha256(repr((all_rules(), marks, groupings)).encode()).hexdigest()


def _unknown_causes() -> Rule:
    known = " AND ".join(f"reference NOT LIKE '{cause}:%%'" for cause in known_causes) or "1 = 1"
    return Rule(
        "hold_has_no_known_cause",
        "SELECT reference, held FROM billing_ledgerentry"  # noqa: S608 - ours
        f" WHERE kind = 'hold' AND id > %(entries)s AND {known}",
    )
