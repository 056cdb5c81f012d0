"""/healthz says that the process answers, /readyz whether it can be of use."""

from pathlib import Path

import pytest
from django.test import Client

from tests.config.conftest import Site
from tests.processes import free_port, granian


@pytest.mark.django_db
def test_both_say_yes_while_the_database_answers(client: Client) -> None:
    assert client.get("/healthz").content == b"ok"
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"database": "ok"})
    assert "no-store" in ready.headers["Cache-Control"]


def test_without_a_database_the_process_is_healthy_but_not_ready(tmp_path: Path) -> None:
    address = f"postgresql://tintype:hush-hush@127.0.0.1:{free_port()}/tintype"
    port = free_port()
    environment = {"DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": address}
    with granian(port, "config.settings", tmp_path / "log", environment):
        site = Site(port, tmp_path / "log")
        assert site.get("/healthz").body == b"ok"
        ready = site.get("/readyz")
    assert (ready.status, ready.json()) == (503, {"database": "unreachable"})
    assert "hush" not in (tmp_path / "log").read_text()
