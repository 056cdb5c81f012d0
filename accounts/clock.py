"""The one clock: the database's. Leases, deadlines and caps never compare two machines' times."""

import datetime

from django.db import connection
from django.db.models.functions import Now

# SQLite compares times as text, and db_now() writes three digits after the second, Django six or none: whoever asks for
# rows of one moment asks for what lies between the ticks before and after it.
TICK = datetime.timedelta(microseconds=1)


def db_now() -> Now:
    """The database's present time as an expression, for use inside a query."""
    return Now()


def read_db_now() -> datetime.datetime:
    """The same, fetched: for the few places that show or sign a time."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT statement_timestamp()")
            value: datetime.datetime = cursor.fetchone()[0]
            return value
        cursor.execute("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
        return datetime.datetime.fromisoformat(cursor.fetchone()[0]).replace(tzinfo=datetime.UTC)
