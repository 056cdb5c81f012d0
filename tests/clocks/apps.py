import datetime
import os
import sqlite3
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class ClocksConfig(AppConfig):
    """In the processes of a shop under test: SQLite's clock, which is the machine's, is ahead by as many seconds as
    the file CLOCK_FILE says at the moment.
    """

    name = "tests.clocks"

    def ready(self) -> None:
        connection_created.connect(_set_wrong)


def _set_wrong(connection: Any, **_: Any) -> None:
    database: sqlite3.Connection = connection.connection
    database.create_function("strftime", 2, _strftime)


def _strftime(form: str, moment: str) -> str:
    if (form, moment.lower()) != ("%Y-%m-%d %H:%M:%f", "now"):
        raise ValueError(f"strftime({form!r}, {moment!r}) is none of ours")
    ahead_s = float(Path(os.environ["CLOCK_FILE"]).read_text(encoding="ascii"))
    now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=ahead_s)
    return now.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
