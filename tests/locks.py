"""What somebody else holds, on PostgreSQL: on SQLite whoever writes holds everything, and everybody waits for them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
from django.db import connection

from accounts.models import Organization


@contextmanager
def wallets_held_of(*organizations: Organization) -> Iterator[None]:
    """By a transaction of a connection of its own, that does not end."""
    settings = connection.settings_dict
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    ids = [organization.pk for organization in organizations]
    with closing(psycopg.connect(**{name: settings[key] for name, key in names.items()})) as own:
        own.execute("SELECT 1 FROM billing_wallet WHERE organization_id = ANY(%s) FOR UPDATE", [ids])
        yield
        own.rollback()


@contextmanager
def impatient() -> Iterator[None]:
    """This thread's connection waits for no lock."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 50")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
