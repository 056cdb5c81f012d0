"""What the till remembers: one SQLite file, one connection, one lock; every change is a transaction."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from billing.till.problems import Body

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_payment ON objects (kind, json_extract(body, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_customer ON objects (kind, json_extract(body, '$.customer'));
CREATE INDEX IF NOT EXISTS objects_open ON objects (json_extract(body, '$.expires_at'))
    WHERE kind = 'checkout.session' AND json_extract(body, '$.status') = 'open';
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, first_at REAL NOT NULL, due_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, last_status INTEGER);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at);
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, digest TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    request_id TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""
# What lists can be narrowed by; written out, so that the indexes above apply.
FIELDS = {
    name: f"json_extract(body, '$.{path}')"
    for name, path in {
        "allow_redisplay": "allow_redisplay",
        "charge": "charge",
        "code": "code",
        "created": "created",
        "customer": "customer",
        "email": "email",
        "payment_intent": "payment_intent",
        "pending_webhooks": "pending_webhooks",
        "status": "status",
        "type": "type",
    }.items()
}
COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class Store:
    """Objects are stored as Stripe shows them; members that begin with `_` are the till's own notes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            folder / "till.sqlite3", check_same_thread=False, isolation_level=None
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA)
        # Reentrant, and told of every commit that changed something.
        self.changed = threading.Condition(threading.RLock())
        self._depth = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else meanwhile; one within another is part of it."""
        with self.changed:
            if self._depth:
                yield
                return
            before = self._connection.total_changes
            self._connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            else:
                self._connection.execute("COMMIT")
                if self._connection.total_changes != before:
                    self.changed.notify_all()
            finally:
                self._depth = 0

    def rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        with self.changed:
            return self._connection.execute(sql, values).fetchall()

    # --- Objects ---

    def put(self, body: Body) -> Body:
        """Adds the object, or replaces what is stored under its id."""
        self.rows(
            "INSERT INTO objects (id, kind, body) VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            body["id"],
            body["object"],
            json.dumps(body),
        )
        return body

    def get(self, object_id: str, kind: str | None = None) -> Body | None:
        for found, text in self.rows("SELECT kind, body FROM objects WHERE id = ?", object_id):
            if kind in (None, found):
                body: Body = json.loads(str(text))
                return body
        return None

    def find(
        self,
        kind: str,
        *,
        equal: Mapping[str, object] | None = None,
        created: Mapping[str, int] | None = None,
        types: Sequence[str] = (),
        older_than: str | None = None,
        newer_than: str | None = None,
        limit: int = -1,
    ) -> list[Body]:
        """Newest first; with `newer_than` the `limit` oldest of those that are newer than this object."""
        where: list[str] = ["kind = ?"]
        values: list[object] = [kind]
        for name, value in (equal or {}).items():
            where.append(f"{FIELDS[name]} = ?")
            values.append(value)
        for name, moment in (created or {}).items():
            where.append(f"{FIELDS['created']} {COMPARISONS[name]} ?")
            values.append(moment)
        if types:
            where.append(f"{FIELDS['type']} IN ({', '.join('?' * len(types))})")
            values += types
        for sign, object_id in (("<", older_than), (">", newer_than)):
            if object_id is not None:
                where.append(f"seq {sign} (SELECT seq FROM objects WHERE id = ?)")  # noqa: S608 - of constants
                values.append(object_id)
        direction = "ASC" if newer_than is not None else "DESC"
        sql = f"SELECT body FROM objects WHERE {' AND '.join(where)} ORDER BY seq {direction} LIMIT ?"  # noqa: S608 - of constants above
        bodies: list[Body] = [json.loads(str(text)) for (text,) in self.rows(sql, *values, limit)]
        return bodies[::-1] if newer_than is not None else bodies

    def forget(self) -> None:
        """As when it was made."""
        self.rows("DELETE FROM objects")
        self.rows("DELETE FROM replies")
        self.rows("DELETE FROM numbers")

    def due_sessions(self, now: float) -> list[str]:
        """The open checkout sessions whose time is over."""
        found = self.rows(
            "SELECT id FROM objects WHERE kind = 'checkout.session' AND json_extract(body, '$.status') = 'open'"
            " AND json_extract(body, '$.expires_at') <= ?",
            now,
        )
        return [str(object_id) for (object_id,) in found]

    # --- Numbers ---

    def number(self, name: str) -> int:
        found = self.rows("SELECT value FROM numbers WHERE name = ?", name)
        return int(str(found[0][0])) if found else 0

    def add_to(self, name: str, more: int = 1) -> int:
        """The number afterwards; it begins with 0."""
        self.rows(
            "INSERT INTO numbers VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
            name,
            more,
        )
        return self.number(name)
