"""How the database finds the rows of a statement: whether it reads more of a large table as that grows."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import newest_first

ORDERS = frozenset(
    {"generations_generation", "generations_image", "generations_attempt", "billing_ledgerentry"}
)
WEBHOOKS = frozenset({"webhooks_webhookevent", "webhooks_webhookdelivery", "webhooks_webhookattempt"})
_TABLES = re.compile(
    r'(?:FROM|JOIN|UPDATE)\s+"?(\w+)"?(?:\s+(?!WHERE|JOIN|LEFT|INNER|ON|SET|GROUP|ORDER|LIMIT)"?(\w+)"?)?'
)
# What searches for rows. A queryset's .iterator() declares a cursor on PostgreSQL, which plans it for a tenth of them.
_SEARCHES = ("SELECT", "UPDATE", "DELETE", "DECLARE")
# Of a large table, by one statement: what a page of a filtered list looks at, and a quarter more, so that no such page
# is at the limit. Searches in the open rows or in batches stay below.
MOST_ROWS = newest_first.WINDOW * 5 // 4


@dataclass(frozen=True, slots=True)
class Plan:
    """`indexes` of large tables that it uses; `costs`: what would grow with them, in the planner's words."""

    sql: str
    indexes: frozenset[str]
    costs: tuple[str, ...]


def plans_of(work: Callable[[], object], large: frozenset[str]) -> list[Plan]:
    """Of each statement that `work` runs and that searches for rows. Changes happen twice: roll back afterwards.

    `large`: the tables that are filled; PostgreSQL rightly reads one without rows from end to end.
    """
    with CaptureQueriesContext(connection) as captured:
        work()
    statements = [query["sql"].strip() for query in captured]
    plan_of = _postgresql_plan if connection.vendor == "postgresql" else _sqlite_plan
    return [plan_of(sql, large) for sql in statements if sql.startswith(_SEARCHES)]


# --- PostgreSQL ---------------------------------------------------------------------------------


def _postgresql_plan(sql: str, large: frozenset[str]) -> Plan:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text, indpred IS NOT NULL, indrelid::regclass::text FROM pg_index"
        )
        indexes = {name: is_partial for name, is_partial, table in cursor.fetchall() if table in large}
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql.replace('%', '%%')}", [])
        answer = cursor.fetchone()[0]
    root = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    nodes = list(_nodes(root))
    used = frozenset(node["Index Name"] for node in nodes if node.get("Index Name") in indexes)
    return Plan(sql, used, tuple(cost for node in nodes if (cost := _cost(node, indexes, large))))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _cost(node: dict[str, Any], is_partial: dict[str, bool], large: frozenset[str]) -> str:
    kind, index = node["Node Type"], node.get("Index Name")
    if index not in is_partial and node.get("Relation Name") not in large:
        return ""
    if kind == "Seq Scan":
        return f"Seq Scan on {node['Relation Name']}"
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    rows = (node.get("Actual Rows", 0) + sum(node.get(name, 0) for name in removed)) * node["Actual Loops"]
    if rows > 1 and index is not None and "Index Cond" not in node and not is_partial[index]:
        return f"{kind} through all of {index}"
    return f"{kind} reads {rows:g} rows by {index}" if rows > MOST_ROWS else ""


# --- SQLite, which plans by the shape of a statement, not by counting rows -------------------------


def _sqlite_plan(sql: str, large: frozenset[str]) -> Plan:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index'")
        indexes = {
            name: " WHERE " in (text or "") for name, table, text in cursor.fetchall() if table in large
        }
        cursor.execute(f"EXPLAIN QUERY PLAN {sql.replace('%', '%%')}", [])
        steps = [row[3] for row in cursor.fetchall()]
    names = {alias or table for table, alias in _TABLES.findall(sql) if table in large}
    used = set[str]()
    costs = []
    for step in steps:
        index = re.search(r"USING (?:COVERING )?INDEX (\w+)", step)
        if index and index[1] in indexes:
            used.add(index[1])
        scanned = re.match(r"SCAN (\w+)", step)
        if scanned and scanned[1] in names and not (index and indexes.get(index[1])):
            costs.append(step)
    return Plan(sql, frozenset(used), tuple(costs))
