"""Whether the database can be reached, asked so that the question itself cannot hang."""

import psycopg
from django.db import Error, connection

TIMEOUT_S = 2


class Unreachable(Exception):
    """The database did not answer; the text says why, and bears no secrets."""


def reach() -> None:
    """Takes about TIMEOUT_S at most, per address of the server's name. Raises Unreachable."""
    try:
        if connection.vendor == "postgresql":
            # A connection of its own: one from the pool may be half dead, and would keep us waiting.
            parameters = {**connection.get_connection_params(), "connect_timeout": TIMEOUT_S}
            psycopg.connect(**parameters).close()
        else:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
    except (Error, psycopg.Error) as error:
        raise Unreachable(
            str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        ) from error
