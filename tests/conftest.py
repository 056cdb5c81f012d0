"""The closed world, clean databases and the cast, for every test."""

import os
import shutil
from collections.abc import Iterator

import pytest
import redis
from django.core.management import call_command
from django.db import connection, connections
from hypothesis import settings as hypothesis_settings
from pytest_django.plugin import DjangoDbBlocker

from tests import proof_page, scale
from tests.closed_world import shut_sockets
from tests.databases import Restore, kept_clean_copy
from tests.services import DATABASE

# What a test that touches data asks for, itself or through its fixtures.
DATA_FIXTURES = {"db", "transactional_db", "committed_db", "django_db_setup"}

hypothesis_settings.register_profile(
    "tintype",
    deadline=None,  # nothing is judged by the clock
    derandomize=not scale.PROOF,  # an everyday run gives the same answer twice; the proof explores
    print_blob=True,
)
hypothesis_settings.load_profile("tintype")


@pytest.fixture(scope="session", autouse=True)
def _closed_world() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        shut_sockets(patch)
        yield


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What touches no data gives the same answer on every database, so it runs once, beside SQLite."""
    if DATABASE == "sqlite":
        return
    chosen = [item for item in items if touches_data(item)]
    others = [item for item in items if not touches_data(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = chosen


def touches_data(item: pytest.Item) -> bool:
    names = set(getattr(item, "fixturenames", ()))
    return bool(names & DATA_FIXTURES) or item.get_closest_marker("django_db") is not None


# --- Databases ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """A file, and one name: processes that a test starts find the same database by the same settings."""
    connection.settings_dict["TEST"]["NAME"] = connection.settings_dict["NAME"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Restore]:
    """The migrated database, static files as pages want them, and the way back to this state."""
    assert connection.vendor == DATABASE, f"The run is for {DATABASE}, Django speaks to {connection.vendor}."
    with django_db_blocker.unblock():
        call_command("collectstatic", verbosity=0, interactive=False)
        with kept_clean_copy() as restore:
            yield restore


@pytest.fixture
def committed_db(django_db_setup: Restore, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Real commits, seen by threads and processes; afterwards the database is as when the run began."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()
        django_db_setup()


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    """Keys of rate limits bear row ids, and those are used again after a database was restored."""
    url = os.environ.get("REDIS_URL")
    if url:
        with redis.Redis.from_url(url) as client:
            client.flushdb()


# --- The browser --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Debian's Chromium, for playwright's `executable_path`; start it with `--no-sandbox` as root."""
    path = shutil.which("chromium")
    if path is None:
        cure = "apt-get install --no-install-recommends chromium"
        pytest.fail(f"Browser tests need Chromium: {cure}", pytrace=False)
    return path


# --- The proof ----------------------------------------------------------------------------------


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Only a run in which everything passed is a proof."""
    if scale.PROOF and exitstatus == 0:
        passed = len(terminalreporter.stats.get("passed", []))
        seconds = terminalreporter._session_start.elapsed().seconds
        proof_page.write(DATABASE, passed, seconds, scale.figures)
        terminalreporter.write_line("docs/proof.md is written")
