"""What is measured: shops as `manage.py up` runs them, on durable PostgreSQL, Valkey and a stand-in upstream."""

import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import redis

from benchmarks import rows
from tests.faults.shop import Shop, environment, running
from tests.processes import ROOT, free_port
from tests.servers import Servers
from tests.services import product_variables
from tests.upstream.running import running_upstream
from tests.waiting import wait_until

# Both sides of a comparison pay for the same promise: a commit is on the disk before it is answered for.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
# So that neither a limit nor a deadline is what is measured.
UNLIMITED = {
    "RATE_LIMIT_PER_MINUTE": "1000000",
    "RATE_LIMIT_BURST": "1000000",
    "RATE_LIMIT_READ_PER_MINUTE": "1000000",
    "RATE_LIMIT_READ_BURST": "1000000",
    "MAX_OPEN_TASKS": "1000000",
    "DEADLINE_S": "86400",
}
# Those that a run may be given; every other setting is the product's default.
TUNABLE = (
    "WEB_PROCESSES",
    "WEB_THREADS",
    "API_THREADS",
    "WORKER_PROCESSES",
    "WORKER_CONCURRENCY",
    "DATABASE_POOL",
)
QUIET_S = 0.2


@dataclass(slots=True)
class Stage:
    """A running shop. `seats[0]` is the hot wallet; the others together are the many wallets."""

    port: int
    database_url: str
    redis_url: str
    shop: Shop
    environment: dict[str, str]
    connection: "psycopg.Connection[Any]"
    seats: list[rows.Seat] = field(default_factory=list)

    def found(self, wallets: int) -> None:
        self.seats = rows.found(self.connection, 1 + wallets)

    def run(self, *command: str) -> str:
        """What a command prints that runs in the shop's environment and must succeed."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=600,
        )
        return done.stdout

    @contextlib.contextmanager
    def workers_paused(self) -> Iterator[None]:
        """Workers and beat stand still, so that accepting alone is measured. They hold no lock then."""
        self.wait_until_quiet()
        parents = [*self.shop.children("worker"), *self.shop.children("beat")]
        family = [process for parent in parents for process in (parent, *parent.children(recursive=True))]
        for process in family:
            process.suspend()
        try:
            yield
        finally:
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    def clear(self) -> None:
        """Ends what is open and empties the broker, so that each round begins as the one before it."""
        self.wait_until_quiet()
        rows.settle_open(self.connection, self.seats)
        self.empty_broker()

    def empty_broker(self) -> None:
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushdb()

    def wait_until_quiet(self) -> None:
        """Until the last rings have been published and no transaction of the shop runs."""
        with redis.Redis.from_url(self.redis_url) as client:

            def is_quiet() -> bool:
                before = client.llen("default")
                time.sleep(QUIET_S)
                return client.llen("default") == before and not self.number(BUSY)

            wait_until(is_quiet, "the shop to be quiet", timeout_s=120)

    def number(self, query: str, *values: object) -> float:
        """The first column of the only row; 0 for NULL."""
        row = self.connection.execute(query, values or None).fetchone()
        return float(row[0] or 0) if row else 0.0


BUSY = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND state <> 'idle'
"""


@dataclass(slots=True)
class Ground:
    """The servers of a run. Each shop has a database and a broker of its own on them."""

    folder: Path
    servers: Servers
    postgresql_url: str
    valkey_url: str
    upstream: Mapping[str, str]
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @contextlib.contextmanager
    def production(self, wallets: int) -> Iterator[Stage]:
        number = next(self._numbers)
        database_url = _new_database(self.postgresql_url, f"bench{number}")
        redis_url = self.valkey_url.rpartition("/")[0] + f"/{number}"
        changes = {
            **UNLIMITED,
            **self.upstream,
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "DEMO": "1",  # the stand-in serves live keys in the sandbox's place
        }
        folder, port = self._new_folder(number), free_port()
        with (
            running(folder, folder / "data", port=port, changes=changes) as shop,
            psycopg.connect(database_url, autocommit=True) as connection,
        ):
            variables = environment(folder / "data", port, **changes)
            stage = Stage(port, database_url, redis_url, shop, variables, connection)
            stage.found(wallets)
            yield stage

    @contextlib.contextmanager
    def embedded(self) -> Iterator[Shop]:
        """The shop of `make run`: SQLite, and the sandbox that draws images."""
        folder = self._new_folder(next(self._numbers))
        changes = {name: value for name, value in UNLIMITED.items() if name != "DEADLINE_S"}
        with running(folder, folder / "data", changes={**changes, "SANDBOX_SECONDS": "0"}) as shop:
            yield shop

    def version(self) -> str:
        """PostgreSQL's."""
        with psycopg.connect(_named(self.postgresql_url, "postgres")) as connection:
            return str(connection.info.parameter_status("server_version"))

    def _new_folder(self, number: int) -> Path:
        folder = self.folder / str(number)
        folder.mkdir()
        return folder


@contextlib.contextmanager
def ground() -> Iterator[Ground]:
    """Started servers, with nothing of a developer's own settings; all gone afterwards."""
    for name in product_variables() - set(TUNABLE):
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    servers = Servers()
    try:
        with running_upstream() as upstream, tempfile.TemporaryDirectory() as folder:
            postgresql_url = servers.start_postgresql(DURABLE)
            yield Ground(Path(folder), servers, postgresql_url, servers.start_valkey(), upstream.environment)
    finally:
        servers.stop()


def overrides() -> dict[str, str]:
    """The settings that this run was given."""
    return {name: os.environ[name] for name in TUNABLE if name in os.environ}


def order(size: str = "256*256") -> dict[str, object]:
    """A body for /api/generate."""
    return {"prompt": "a lighthouse at dusk", "size": size}


def one_each(seats: Sequence[rows.Seat], clients: int) -> list[rows.Seat]:
    """A seat for each client, from the first again when they are not enough."""
    return [seats[number % len(seats)] for number in range(clients)]


def _new_database(server_url: str, name: str) -> str:
    with psycopg.connect(_named(server_url, "postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return _named(server_url, name)


def _named(server_url: str, database: str) -> str:
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{database}"))
