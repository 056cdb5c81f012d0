"""What `manage.py up` gives to each of its processes, and what the database hears of that."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from config.management.commands import up
from tests.config.test_settings_boot import settings_with

POSTGRESQL = "postgresql://shop:secret@db.example:5432/shop"
REDIS = "redis://cache.example:6379/0"


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
    limits = ("statement_timeout=15000", "lock_timeout=2000", "idle_in_transaction_session_timeout=30000")
    for limit in limits:
        assert limit in database["OPTIONS"]["options"]
    for patience in ("connect_timeout", "keepalives_idle", "tcp_user_timeout"):
        assert database["OPTIONS"][patience] > 0, "A server that is gone without a word is given up"


def test_a_redis_that_is_silent_is_given_up_after_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings_with(tmp_path, monkeypatch, REDIS_URL=REDIS)
    patience = {"socket_timeout": 1, "socket_connect_timeout": 1, "max_retries": 0}
    assert chosen["CELERY_BROKER_TRANSPORT_OPTIONS"] == patience


@pytest.mark.parametrize(("cores", "redis_url", "processes"), [(2, "", 1), (2, REDIS, 2), (64, REDIS, 4)])
def test_a_process_for_each_core_up_to_four_where_they_can_count_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int, redis_url: str, processes: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    chosen = settings_with(tmp_path, monkeypatch, REDIS_URL=redis_url)
    assert (chosen["WEB_PROCESSES"], chosen["WORKER_PROCESSES"]) == (processes, processes)


def test_each_worker_says_in_a_file_of_its_own_that_it_is_ready(settings: Settings) -> None:
    settings.READY_FILE, settings.WORKER_PROCESSES = "/run/ready", 3
    children = [child for child in up._children("127.0.0.1") if child[0].startswith("worker")]
    named = [environment.get("READY_FILE") for _name, _command, environment in children]
    assert named == [None, "/run/ready.2", "/run/ready.3"], "The first has it from the operator"
