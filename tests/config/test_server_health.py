"""/healthz says that the process answers, /readyz whether it can be of use."""

import json
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client

from accounts.api_keys import create_api_key
from billing.models import Wallet
from config import health
from tests import scale
from tests.config.conftest import Site
from tests.makers import a_claimed, a_generation, age, an_access, an_organization
from tests.processes import free_port, granian
from tests.waiting import wait_until

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


if connection.vendor == "postgresql":

    def test_who_gets_no_connection_within_two_seconds_is_told_to_come_again(
        committed_db: None, tmp_path: Path
    ) -> None:
        """Both connections of the process wait for a row that is locked here."""
        studio = an_organization(100)
        key = create_api_key(studio, livemode=True)[1]
        patient = f"{os.environ['DATABASE_URL']}?options=-c%20lock_timeout%3D10000"
        changes = {"DATABASE_URL": patient, "DATABASE_POOL": "2", "DATA_DIR": str(settings.DATA_DIR)}
        changes |= {"REDIS_URL": "", "DEMO": "1", "UNKNOWN_HOSTS": "first"}
        headers = (f"Authorization: Bearer {key}", "Content-Type: application/json")
        order = json.dumps({"prompt": "a lighthouse", "size": "256*256"}).encode()

        def post(shop: Site) -> int:
            return shop.post("/api/generate", order, *headers, f"Content-Length: {len(order)}").status

        with site(tmp_path, **changes) as shop, ThreadPoolExecutor(2) as pool:
            with transaction.atomic():
                Wallet.objects.select_for_update().get(organization=studio)
                waiting = [pool.submit(post, shop) for _ in range(2)]
                wait_until(lambda: waiting_for_locks() == 2, "both to wait for the row")
                began = time.monotonic()
                answer = shop.get("/api/status?task_id=task_x", *headers)
                seconds = time.monotonic() - began
            assert [one.result() for one in waiting] == [200, 200]
        error = answer.json()["error"]
        assert (answer.status, error["type"]) == (503, "unavailable")
        assert int(answer.header("retry-after") or 0) == error["retry_after"] > 0
        assert seconds > 1.5, "It did not wait for one"
        scale.record("Without a free connection: 503 after", round(seconds, 2), "s", limit=3)

    def waiting_for_locks() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # else the first look would count all the time
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            return int(cursor.fetchone()[0])
