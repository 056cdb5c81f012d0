"""`/metrics` is there for whom the settings name, and for nobody else."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import OperationalError
from pytest_django import Settings

from config.watching import figures
from tests.accounts.client import generate, send, status, task_of
from tests.cast import Person, new_key
from tests.config.watching.reading import asked, series, value
from tests.processes import ROOT

pytestmark = pytest.mark.django_db
INSIDE, OUTSIDE = "10.1.2.3", "203.0.113.7"


def test_nothing_is_there_unless_it_is_set(settings: Settings) -> None:
    assert (settings.METRICS_TOKEN, settings.METRICS_NETWORKS) == ("", [])
    assert "watching" not in " ".join(settings.MIDDLEWARE)
    for answer in (asked(), asked("x"), asked(REMOTE_ADDR=INSIDE)):
        assert answer.status_code == 404


def test_the_token_opens_it_and_nothing_else_does(watched: str) -> None:
    assert asked(watched, REMOTE_ADDR=OUTSIDE).status_code == 200
    for wrong in ("", "x", watched[:-1], watched + "x", "ü" * 40):
        assert asked(wrong).status_code == 404
    assert send("GET", "/metrics", headers={"Authorization": f"Basic {watched}"}).status_code == 404
    assert send("POST", "/metrics", headers={"Authorization": f"Bearer {watched}"}).status_code == 404


def test_networks_are_asked_straight_and_never_through_a_proxy(settings: Settings) -> None:
    settings.METRICS_NETWORKS = ["10.0.0.0/8", "127.0.0.1"]
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert asked(REMOTE_ADDR=INSIDE).status_code == 200
    assert asked(REMOTE_ADDR=OUTSIDE).status_code == 404
    for header in ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA"):
        for claimed in (OUTSIDE, INSIDE, ""):
            assert asked(REMOTE_ADDR=INSIDE, **{header: claimed}).status_code == 404, header
    assert asked(REMOTE_ADDR="").status_code == 404


def test_every_request_is_counted_by_the_address_it_matched(watched: str, alice: Person) -> None:
    key = new_key(alice)[1]
    known = series(watched)
    task = task_of(generate(key))
    for _ in range(2):
        assert status(key, task).status_code == 200
    assert generate("tt_live_nonsense").status_code == 401
    assert send("GET", "/nothing/of-mine").status_code == 404
    assert send("BREW", "/nothing/of-mine").status_code == 404
    found = series(watched)

    def grown(name: str, **labels: str) -> float:
        known_by = frozenset(labels.items())
        return found[name][known_by] - known.get(name, {}).get(known_by, 0)

    name = "tintype_requests_total"
    assert grown(name, method="POST", route="/api/generate", status="200") == 1
    assert grown(name, method="POST", route="/api/generate", status="401") == 1
    assert grown(name, method="GET", route="/api/status", status="200") == 2
    assert grown(name, method="GET", route="unknown", status="404") == 1
    assert grown(name, method="other", route="unknown", status="404") == 1
    assert grown("tintype_request_seconds_count", method="GET", route="/api/status") == 2
    assert grown("tintype_request_seconds_bucket", method="GET", route="/api/status", le="60.0") == 2
    assert "of-mine" not in asked(watched).content.decode()


def test_what_other_processes_counted_is_added(watched: str) -> None:
    """Each of granian's workers counts for itself; any of them is asked."""
    before = value(watched, "tintype_requests_total", method="GET", route="/elsewhere", status="200")
    from config.watching import requests

    # As if the same process had started both.
    started_by = requests.folder().name.rpartition("-")[2]
    code = f"""
import multiprocessing, types, django
django.setup()
multiprocessing.parent_process = lambda: types.SimpleNamespace(pid={started_by})
from config.watching import requests
requests.REQUESTS.labels("GET", "/elsewhere", "200").inc(3)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
    after = value(watched, "tintype_requests_total", method="GET", route="/elsewhere", status="200")
    assert after - before == 3


def test_files_of_processes_that_are_gone_are_removed_and_no_others(
    tmp_path: Path, settings: Settings
) -> None:
    from config.watching import requests

    settings.METRICS_DIR = tmp_path
    host = socket.gethostname()
    alive, dead = tmp_path / f"{host}-1", tmp_path / f"{host}-99999999"
    elsewhere, abandoned = tmp_path / "another-7", tmp_path / "another-8"
    for one in (alive, dead, elsewhere, abandoned):
        one.mkdir()
        (one / "counter_1.db").touch()
        os.utime(one, (0, 0))
    os.utime(abandoned / "counter_1.db", (0, 0))
    own = requests.prepare()
    assert set(tmp_path.iterdir()) == {own, alive, elsewhere}


def test_without_a_database_requests_are_still_told(watched: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(figures, "_orders", away)
    assert send("GET", "/healthz").status_code == 200
    found = series(watched)
    assert found["tintype_database_up"] == {frozenset(): 0}
    assert "tintype_orders_open" not in found
    assert found["tintype_requests_total"]


def test_every_figure_has_a_name_of_ours_and_says_what_it_is(watched: str) -> None:
    assert all(name.startswith("tintype_") and figure.help for name, figure in figures.FIGURES.items())
    text = asked(watched).content.decode()
    assert all(
        line.startswith(("tintype_", "# HELP tintype_", "# TYPE tintype_")) for line in text.splitlines()
    )
