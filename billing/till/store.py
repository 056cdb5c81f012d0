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
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL, UNIQUE (account, id));
CREATE INDEX IF NOT EXISTS objects_id ON objects (id);
CREATE INDEX IF NOT EXISTS objects_kind ON objects (account, kind, seq);
CREATE INDEX IF NOT EXISTS objects_payment ON objects (account, kind, json_extract(body, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_customer ON objects (account, kind, json_extract(body, '$.customer'));
CREATE INDEX IF NOT EXISTS objects_open ON objects (json_extract(body, '$.expires_at'))
    WHERE kind = 'checkout.session' AND json_extract(body, '$.status') = 'open';
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, event TEXT NOT NULL, first_at REAL NOT NULL,
    due_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, last_status INTEGER);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at);
CREATE TABLE IF NOT EXISTS replies (
    account TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    request_id TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (account, key));
CREATE TABLE IF NOT EXISTS numbers (
    account TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (account, name));
CREATE TABLE IF NOT EXISTS shops (account TEXT PRIMARY KEY, host TEXT NOT NULL, name TEXT NOT NULL);
"""
TABLES = ("objects", "deliveries", "replies", "numbers")
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


class Database:
    """The file, for all accounts."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            folder / "till.sqlite3", check_same_thread=False, isolation_level=None
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._open()
        # Reentrant, and told of every commit that changed something.
        self.changed = threading.Condition(threading.RLock())
        self._depth = 0

    def _open(self) -> None:
        """Makes its tables. Of a till that knew one account alone, what was there is that account's."""
        run = self._connection.execute
        columns = [row[1] for row in run("PRAGMA table_info(objects)")]
        is_older = bool(columns) and "account" not in columns
        run("BEGIN IMMEDIATE")
        for table in TABLES if is_older else ():
            run(f"CREATE TABLE older_{table} AS SELECT '' AS account, * FROM {table}")  # noqa: S608 - of constants
            run(f"DROP TABLE {table}")
        for statement in SCHEMA.split(";\n"):
            run(statement)
        for table in TABLES if is_older else ():
            names = ", ".join(row[1] for row in run(f"PRAGMA table_info(older_{table})"))
            run(f"INSERT INTO {table} ({names}) SELECT {names} FROM older_{table}")  # noqa: S608 - likewise
            run(f"DROP TABLE older_{table}")
        run("COMMIT")

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

    def owner_of(self, object_id: str) -> str | None:
        """The account of an object whose id is no other's."""
        for (account,) in self.rows("SELECT account FROM objects WHERE id = ?", object_id):
            return str(account)
        return None

    def shops(self) -> list[tuple[str, str]]:
        """Account and name of those that have sold something here, or wanted to."""
        found = self.rows("SELECT account, name FROM shops ORDER BY LENGTH(account), account")
        return [(str(account), str(name)) for account, name in found]

    def due_sessions(self, now: float) -> list[tuple[str, str]]:
        """Account and id of the open checkout sessions whose time is over."""
        found = self.rows(
            "SELECT account, id FROM objects WHERE kind = 'checkout.session'"
            " AND json_extract(body, '$.status') = 'open' AND json_extract(body, '$.expires_at') <= ?",
            now,
        )
        return [(str(account), str(object_id)) for account, object_id in found]

    def forget(self) -> None:
        """As when it was made."""
        for table in ("objects", "replies", "numbers", "shops"):
            self.rows(f"DELETE FROM {table}")  # noqa: S608 - of constants


class Store:
    """What is one account's. Objects are stored as Stripe shows them; members that begin with `_` are the till's own
    notes.
    """

    def __init__(self, database: Database, account: str = "") -> None:
        self.database, self.account = database, account
        self.transaction, self.rows = database.transaction, database.rows

    # --- Objects ---

    def put(self, body: Body) -> Body:
        """Adds the object, or replaces what is stored under its id."""
        self.rows(
            "INSERT INTO objects (account, id, kind, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (account, id) DO UPDATE SET body = excluded.body",
            self.account,
            body["id"],
            body["object"],
            json.dumps(body),
        )
        return body

    def get(self, object_id: str, kind: str | None = None) -> Body | None:
        sql = "SELECT kind, body FROM objects WHERE account = ? AND id = ?"
        for found, text in self.rows(sql, self.account, object_id):
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
        where: list[str] = ["account = ?", "kind = ?"]
        values: list[object] = [self.account, kind]
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
                where.append(f"seq {sign} (SELECT seq FROM objects WHERE account = ? AND id = ?)")  # noqa: S608 - of constants
                values += [self.account, object_id]
        direction = "ASC" if newer_than is not None else "DESC"
        sql = f"SELECT body FROM objects WHERE {' AND '.join(where)} ORDER BY seq {direction} LIMIT ?"  # noqa: S608 - of constants above
        bodies: list[Body] = [json.loads(str(text)) for (text,) in self.rows(sql, *values, limit)]
        return bodies[::-1] if newer_than is not None else bodies

    # --- The shop that has this account ---

    def host(self) -> str:
        """Where its pages are, as it said last; "" before it did."""
        return self._of_shop("host")

    def shop_name(self) -> str:
        return self._of_shop("name")

    def _of_shop(self, column: str) -> str:
        found = self.rows(f"SELECT {column} FROM shops WHERE account = ?", self.account)  # noqa: S608 - of constants
        return str(found[0][0]) if found else ""

    def note_shop(self, host: str, name: str) -> None:
        """`name` "": the one that was known stays."""
        self.rows(
            "INSERT INTO shops (account, host, name) VALUES (?, ?, ?) ON CONFLICT (account) DO UPDATE"
            " SET host = excluded.host, name = CASE excluded.name WHEN '' THEN name ELSE excluded.name END",
            self.account,
            host,
            name,
        )

    # --- Numbers ---

    def number(self, name: str) -> int:
        found = self.rows("SELECT value FROM numbers WHERE account = ? AND name = ?", self.account, name)
        return int(str(found[0][0])) if found else 0

    def add_to(self, name: str, more: int = 1) -> int:
        """The number afterwards; it begins with 0."""
        self.rows(
            "INSERT INTO numbers VALUES (?, ?, ?)"
            " ON CONFLICT (account, name) DO UPDATE SET value = value + excluded.value",
            self.account,
            name,
            more,
        )
        return self.number(name)
