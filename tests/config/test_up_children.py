"""What `manage.py up` gives to each of its processes, and what the database hears of that."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from config.management.commands import up
from tests.config.test_settings_boot import settings_with

POSTGRESQL = "postgresql://shop:secret@db.example:5432/shop"


@pytest.fixture(autouse=True)
def _no_till(settings: Settings) -> None:
    settings.TILL = False  # else its port would be chosen first


@pytest.mark.parametrize(("processes", "each"), [(1, 8), (2, 4), (3, 2), (4, 2), (9, 2)])
def test_processes_of_a_kind_share_eight_connections_and_each_has_two_at_least(
    settings: Settings, processes: int, each: int
) -> None:
    settings.WEB_PROCESSES = settings.WORKER_PROCESSES = processes
    children = up._children("127.0.0.1")
    pools = [(name.partition(" ")[0], environment["DATABASE_POOL"]) for name, _, environment in children]
    assert pools.count(("web", str(each))) == 1, "Granian starts its processes with this environment"
    assert pools.count(("worker", str(each))) == processes
    assert pools.count(("beat", "2")) == 1


def test_workers_are_threads_and_hear_every_queue_but_that_of_gpus() -> None:
    for name, command, _environment in up._children("127.0.0.1"):
        if name.startswith("worker"):
            assert command[command.index("-P") + 1] == "threads"
            assert command[command.index("-Q") + 1] == "default,poll,webhooks"
            assert "-B" not in command


def test_a_pool_is_as_large_as_it_was_told_and_nothing_waits_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings_with(tmp_path, monkeypatch, DATABASE_URL=POSTGRESQL, DATABASE_POOL="3")
    database: dict[str, Any] = chosen["DATABASES"]["default"]
    assert database["OPTIONS"]["pool"] == {"min_size": 1, "max_size": 3, "timeout": 2}
    assert database["CONN_HEALTH_CHECKS"] is True
    for limit in ("statement_timeout=15000", "lock_timeout=2000"):
        assert limit in database["OPTIONS"]["options"]
