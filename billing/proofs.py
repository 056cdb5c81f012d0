"""What need not be proven again: how far the books were found right, and the sums of all entries until there.

A check then reads only what came after. When that disagrees, everything is read before anything is reported; and
`full` reads everything anyway: what somebody rewrote behind the triggers in old rows, nothing else can see.

No clock is asked. A mark is an id, and ids are handed out before their rows are committed. So on PostgreSQL a check
first notes the newest ids, then waits until all who were writing at that time have ended, and only then takes its
snapshot: below those ids it holds every row that will ever be. SQLite has one writer at a time; its ids follow commits.
"""

import json
import logging
import time
from dataclasses import dataclass

from django.db import DatabaseError, transaction
from django.db.backends.utils import CursorWrapper

from billing import audit
from billing.audit import BEGINNING, Finding, Since
from billing.models import LedgerProof, ProvenSum

logger = logging.getLogger(__name__)

WRITERS_END_S = 5.0  # a transaction takes milliseconds; while one stays open there is no new proof
_LOOK_AGAIN_S = 0.02
_WRITERS = """
SELECT DISTINCT l.virtualtransaction FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.mode = 'RowExclusiveLock' AND l.pid <> pg_backend_pid()
  AND c.relkind = 'r' AND c.relnamespace <> 'pg_catalog'::regnamespace
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_SUMS = ("available", "held", "owed", "value_micros", "open_holds")


@dataclass(frozen=True, slots=True)
class Proof:
    """Not yet stored. `sums`: name of the grouping, subject, and what stands in _SUMS."""

    marks: dict[str, int]
    sums: list[tuple[str, int, tuple[int, ...]]]


def check(*, full: bool = False) -> list[Finding]:
    """Every row that disagrees. None: what was read need not be read again, so the proof is renewed."""
    with audit.own_cursor() as cursor:
        newest = newest_ids(cursor)
        is_complete = all_writers_end(cursor)
        with audit.one_moment(cursor):
            since = BEGINNING if full else latest(cursor)
            findings = audit.check(cursor, since)
            if findings and since != BEGINNING:
                since = BEGINNING
                findings = audit.check(cursor)
            proof = prove(cursor, since, newest) if is_complete and not findings else None
    if proof is not None:  # outside: the snapshot only reads
        try:
            keep(proof)
        except DatabaseError as error:  # the books are right all the same, the next check only reads more
            logger.warning("The proof could not be stored: %s", error)
    return findings


def newest_ids(cursor: CursorWrapper) -> dict[str, int]:
    """Of each mark's table, as committed now."""
    found = {}
    for mark in audit.marks:
        cursor.execute(mark.newest)
        found[mark.name] = cursor.fetchone()[0] or 0
    return found


def all_writers_end(cursor: CursorWrapper) -> bool:
    """Waits for each transaction that has written by now; False when one is still open after WRITERS_END_S."""
    if cursor.db.vendor != "postgresql":
        return True
    give_up_at = time.monotonic() + WRITERS_END_S
    writers = _writers(cursor)
    while writers:
        if time.monotonic() > give_up_at:
            return False
        time.sleep(_LOOK_AGAIN_S)
        writers &= _writers(cursor)
    return True


def _writers(cursor: CursorWrapper) -> set[str]:
    cursor.execute(_WRITERS)
    return {name for (name,) in cursor.fetchall()}


def latest(cursor: CursorWrapper) -> Since:
    """The newest proof by the present rules, as this cursor sees the database."""
    cursor.execute("SELECT id, marks, rules_digest FROM billing_ledgerproof ORDER BY id DESC LIMIT 1")
    row = cursor.fetchone()
    if row is None or row[2] != audit.digest():
        return BEGINNING
    return Since(row[0], json.loads(row[1]))


def prove(cursor: CursorWrapper, since: Since, newest: dict[str, int]) -> Proof:
    """For books that agree in this snapshot, which holds all rows up to `newest` that will ever be."""
    marks = {}
    for mark in audit.marks:
        changing = None
        if mark.changing:
            cursor.execute(mark.changing, audit.parameters(since))
            [changing] = cursor.fetchone()
        marks[mark.name] = newest[mark.name] if changing is None else min(newest[mark.name], changing - 1)
    sums = []
    for grouping in audit.groupings:
        cursor.execute(audit.sums(grouping), audit.parameters(since, until=marks["entries"]))
        sums += [(grouping.name, row[0], tuple(map(int, row[1:]))) for row in cursor.fetchall()]
    return Proof(marks, sums)


@transaction.atomic
def keep(proof: Proof) -> LedgerProof:
    """Stores it in place of all earlier ones. A check that still reads one of those sees it in its snapshot."""
    # In one order, so that two checks that end at once wait for each other.
    earlier = list(LedgerProof.objects.select_for_update().order_by("pk").values_list("pk", flat=True))
    stored = LedgerProof.objects.create(marks=proof.marks, rules_digest=audit.digest())
    ProvenSum.objects.bulk_create(
        (
            ProvenSum(
                proof=stored, grouping=grouping, subject_id=subject, **dict(zip(_SUMS, values, strict=True))
            )
            for grouping, subject, values in proof.sums
        ),
        batch_size=1000,
    )
    LedgerProof.objects.filter(pk__in=earlier).delete()
    return stored
