"""Real commits, and as many connections as a race has runners."""

from collections.abc import Iterator

import pytest
from django.db import connection

from generations import doorbell

RUNNERS = 32


@pytest.fixture
def race_db(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The pool of a process is small on purpose; here everybody shall be on the track at once."""
    monkeypatch.setattr(doorbell, "_silent_until", float("inf"))
    if connection.vendor != "postgresql":
        yield
        return
    pool = connection.settings_dict["OPTIONS"]["pool"]
    usual = pool["max_size"]
    _reopen(pool, RUNNERS + 8)
    yield
    _reopen(pool, usual)


def _reopen(pool: dict[str, int], size: int) -> None:
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined] # PostgreSQL's wrapper has it
    pool["max_size"] = size
