"""The closed world, clean databases and the cast, for every test."""

import gc
import logging
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection, connections
from django.test.utils import setup_databases, teardown_databases
from django.utils import translation
from hypothesis import settings as hypothesis_settings
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker
from whitenoise.base import WhiteNoise

from accounts.models import Role
from config import static_files
from tests import alone, forgetting, log_watch, mail, proof_page, proof_scope, scale, turns
from tests.cast import Person, found, give_credits, join
from tests.closed_world import shut_sockets
from tests.databases import Restore, end_other_sessions, kept_clean_copy, kept_rows
from tests.services import DATABASE

if TYPE_CHECKING:
    from tests.till import RunningTill

# What a test that touches data asks for, itself or through its fixtures.
DATA_FIXTURES = {"any_db", "db", "committed_db", "kept_db", "django_db_setup"}
# What a test that starts a PostgreSQL of its own asks for.
SERVER_FIXTURES = {"own_servers"}

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


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """What belongs to the other part need not even be read."""
    return None if turns.is_of_this_part(collection_path) else True


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What touches no data gives the same answer on every database, so it runs once, beside SQLite; what starts
    a PostgreSQL of its own runs once as well, beside the other one. What is marked `everyday_on` takes long, and
    runs on both in the proof alone. The proof leaves out what it would only repeat; `make test` takes turns, and
    runs in two parts what belongs beside SQLite.
    """
    chosen = [item for item in items if belongs_to_this_run(item)]
    others = [item for item in items if not belongs_to_this_run(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = chosen


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Thousands of tests, and all that they import, stay until the end: nobody looks through them for garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def belongs_to_this_run(item: pytest.Item) -> bool:
    if not turns.is_of_this_part(item.path):
        return False
    if scale.PROOF and not proof_scope.does_more(item):
        return False
    if starts_servers(item):
        return DATABASE == "postgresql"
    everyday = item.get_closest_marker("everyday_on")
    if everyday is not None and not scale.PROOF:
        return bool(everyday.args == (DATABASE,))
    if not touches_data(item):
        return DATABASE == "sqlite"
    return not turns.BY_TURNS or not turns.is_alike(item) or turns.database_of(item) == DATABASE


def touches_data(item: pytest.Item) -> bool:
    return bool(fixtures_of(item) & DATA_FIXTURES) or item.get_closest_marker("django_db") is not None


def starts_servers(item: pytest.Item) -> bool:
    return bool(fixtures_of(item) & SERVER_FIXTURES)


def fixtures_of(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


# --- What is logged -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _log_watch() -> Iterator[log_watch.Watch]:
    watch = log_watch.Watch()
    logging.getLogger().addHandler(watch)
    yield watch
    logging.getLogger().removeHandler(watch)


@pytest.fixture(autouse=True)
def _no_line_tells_too_much(_log_watch: log_watch.Watch) -> Iterator[None]:
    """No secret, prompt or address in any line of the whole run; shops that tests start are looked at when they end."""
    if _log_watch not in logging.getLogger().handlers:  # somebody has set up logging anew
        logging.getLogger().addHandler(_log_watch)
    yield
    guilty, _log_watch.guilty = _log_watch.guilty, []
    assert guilty == []


# --- Databases ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Restore]:
    """The migrated database, static files as pages want them, and the way back to this state."""
    # A file, and one name: processes that a test starts find the same database by the same settings.
    connection.settings_dict["TEST"]["NAME"] = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        made = setup_databases(
            verbosity=0, interactive=False, aliases={"default": None}, serialized_aliases={}
        )
        assert connection.vendor == DATABASE, (
            f"The run is for {DATABASE}, Django speaks to {connection.vendor}."
        )
        static_files.collect()
        with kept_clean_copy() as restore:
            yield restore
        end_other_sessions()
        teardown_databases(made, verbosity=0)


@pytest.fixture
def committed_db(django_db_setup: Restore, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Real commits, seen by threads and processes; afterwards the database is as when the run began."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()
        django_db_setup()


@pytest.fixture(scope="module")
def kept_db(django_db_setup: Restore, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """As `committed_db`, but what one test of the module commits is there for those after it."""
    yield from kept_rows(django_db_setup, django_db_blocker)


@pytest.fixture
def any_db(request: pytest.FixtureRequest) -> None:
    """For fixtures that make rows: in the test's `committed_db` or `kept_db` if it asks for that, else in `db`."""
    asked = {"committed_db", "kept_db"} & set(request.fixturenames)
    request.getfixturevalue(asked.pop() if asked else "db")


@pytest.fixture(scope="session")
def valkey() -> Iterator[redis.Redis | None]:
    """The run's own, where the shop counts there; one connection, since it takes longer than what is asked of it."""
    url = os.environ.get("REDIS_URL")
    if url is None:
        yield None
        return
    with redis.Redis.from_url(url) as client:
        yield client


@pytest.fixture(autouse=True)
def _forget(valkey: redis.Redis | None) -> Iterator[None]:
    forgetting.forget(valkey)
    yield
    forgetting.forget(None)  # what a test has set


# --- The cast -----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _begin_in_english() -> None:
    """A page in another language leaves it behind in this thread, as no worker or command meets it."""
    translation.deactivate()


@pytest.fixture(scope="session", autouse=True)
def _quick_hashes() -> Iterator[None]:
    """Argon2 as ever, but not a tenth of a second of all cores a try; shops that tests start take their time."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"time_cost": 1, "memory_cost": 64, "parallelism": 1}.items():
            patch.setattr(Argon2PasswordHasher, name, value)
        yield


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_read_once() -> Iterator[None]:
    """Each test client has middleware of its own, and would read them all: 60 ms, where a request takes 1 ms."""
    known: dict[tuple[str, str, int], dict[str, Any]] = {}
    read = WhiteNoise.update_files_dictionary

    def update(self: Any, root: str, prefix: str) -> None:
        key = (root, prefix, os.stat(root).st_mtime_ns)
        if key not in known:
            before = set(self.files)
            read(self, root, prefix)
            known[key] = {url: file for url, file in self.files.items() if url not in before}
        self.files.update(known[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoise, "update_files_dictionary", update)
        yield


@pytest.fixture
def alice(any_db: None) -> Person:
    """Owns Alice's Studio, which has 1,500 credits."""
    owner = found("alice@studio.example", "Alice's Studio")
    give_credits(owner.organization, 1500)
    return owner


@pytest.fixture
def bob(alice: Person) -> Person:
    """Alice's teammate: a developer in her organization."""
    return join("bob@studio.example", alice.organization, Role.DEVELOPER)


@pytest.fixture
def charlie(any_db: None) -> Person:
    """A stranger, who owns another organization with 1,500 credits."""
    owner = found("charlie@elsewhere.example", "Elsewhere")
    give_credits(owner.organization, 1500)
    return owner


@pytest.fixture(scope="session")
def one_till() -> Iterator["RunningTill"]:
    """Stripe, for all tests of what the shop makes of it; each begins with one that knows of nothing."""
    from tests.till import running_till  # with its library, which others do without

    with running_till() as till:
        yield till


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[mail.Mailbox]:
    """Takes what the shop sends, over SMTP."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with mail.running() as running:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        yield running


# --- The browser --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Debian's Chromium, for playwright's `executable_path`; start it with `--no-sandbox` as root. Its headless shell,
    where there is one: the same engine without the browser around it, which nobody sees and which computes as well.
    """
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if path is None:
        cure = "apt-get install --no-install-recommends chromium-headless-shell"
        pytest.fail(f"Browser tests need Chromium: {cure}", pytrace=False)
    return path


# --- The proof ----------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if not scale.PROOF or "RUNS_FOLDER" not in os.environ:
        return (yield)
    with alone.sharing_the_machine(alone=alone.is_judged_by_the_clock(item)):
        return (yield)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Only a run of all tests in which everything passed is a proof."""
    chosen = config.option.file_or_dir or config.option.keyword or config.option.markexpr
    if scale.PROOF and exitstatus == 0 and not chosen and not config.option.collectonly:
        passed = len(terminalreporter.stats.get("passed", []))
        seconds = terminalreporter._session_start.elapsed().seconds
        proof_page.write(DATABASE, passed, seconds, scale.figures)
        terminalreporter.write_line("docs/proof.md is written")
