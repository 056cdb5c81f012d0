"""/healthz says that the process answers, /readyz whether it can be of use."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from config import health
from tests.config.conftest import Site
from tests.makers import a_claimed, a_generation, age, an_access, an_organization
from tests.processes import free_port, granian

QUIET = {"database": "ok", "broker": "ok", "oldest_queued_seconds": 0.0}


@pytest.fixture(autouse=True)
def _look_anew() -> None:
    health.forget()


@pytest.mark.django_db
def test_both_say_yes_while_everything_answers(client: Client) -> None:
    assert client.get("/healthz").content == b"ok"
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, QUIET)
    assert "no-store" in ready.headers["Cache-Control"]


@pytest.mark.django_db
def test_readyz_tells_how_long_the_oldest_order_has_waited() -> None:
    access = an_access(an_organization(100))
    age(a_claimed(access), created_at=500)
    assert health.look() == QUIET, "What is being made does not wait"
    age(a_generation(access), created_at=100)
    age(a_generation(access), created_at=30)
    assert 100 <= health.look()["oldest_queued_seconds"] < 120


@pytest.mark.django_db
def test_readyz_looks_at_most_once_a_second(client: Client) -> None:
    client.get("/readyz")
    age(a_generation(an_access(an_organization(100))), created_at=100)
    assert client.get("/readyz").json() == QUIET


@contextmanager
def site(tmp_path: Path, **changes: str) -> Iterator[Site]:
    port = free_port()
    with granian(port, "config.settings", tmp_path / "log", changes):
        yield Site(port, tmp_path / "log")


def test_without_a_database_the_process_is_healthy_but_not_ready(tmp_path: Path) -> None:
    address = f"postgresql://tintype:hush-hush@127.0.0.1:{free_port()}/tintype"
    with site(tmp_path, DATA_DIR=str(tmp_path / "data"), DATABASE_URL=address) as shop:
        assert shop.get("/healthz").body == b"ok"
        ready = shop.get("/readyz")
    assert ready.status == 503
    assert ready.json() == QUIET | {"database": "unreachable", "oldest_queued_seconds": None}
    assert "hush" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("broker", ["refuses", "is silent"])
def test_without_a_broker_it_is_ready_and_says_so(committed_db: None, tmp_path: Path, broker: str) -> None:
    connection.close()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if broker == "is silent":
            silent.listen()
        address = f"redis://:hush-hush@127.0.0.1:{silent.getsockname()[1]}/0"
        database = {"DATABASE_URL": os.environ.get("DATABASE_URL", ""), "DATA_DIR": str(settings.DATA_DIR)}
        with site(tmp_path, REDIS_URL=address, **database) as shop:
            ready = shop.get("/readyz")
    assert (ready.status, ready.json()) == (200, QUIET | {"broker": "unreachable"})
    assert "hush" not in (tmp_path / "log").read_text()
