"""A production shop to measure: durable PostgreSQL, Valkey, the stand-in upstream, and `manage.py up` on them."""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import redis

from benchmarks import rows
from tests.faults.shop import Shop, running
from tests.processes import free_port
from tests.servers import Servers
from tests.services import product_variables
from tests.upstream.running import running_upstream
from tests.waiting import wait_until

# What is compared must pay for the same promises: a commit is on the disk before it is answered for.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
# So that neither a limit nor a deadline is what is measured.
UNLIMITED = {
    "RATE_LIMIT_PER_MINUTE": "1000000",
    "RATE_LIMIT_BURST": "1000000",
    "RATE_LIMIT_READ_PER_MINUTE": "1000000",
    "RATE_LIMIT_READ_BURST": "1000000",
    "MAX_OPEN_TASKS": "1000000",
    "DEADLINE_S": "86400",
    "CALL_TOTAL_S": "5",
}
# Those that a run may be given; every other setting is the product's default.
TUNABLE = ("WEB_PROCESSES", "WEB_THREADS", "WORKER_PROCESSES", "WORKER_CONCURRENCY", "DATABASE_POOL")
QUIET_S = 0.3


@dataclass(slots=True)
class Stage:
    """`seats[0]` is the hot wallet; all of them together are the many wallets."""

    port: int
    database_url: str
    redis_url: str
    shop: Shop
    connection: "psycopg.Connection[Any]"
    seats: list[rows.Seat] = field(default_factory=list)

    def found(self, count: int) -> None:
        self.seats += rows.found(self.connection, count)

    def workers(self) -> list[psutil.Process]:
        return [*self.shop.children("worker"), *self.shop.children("beat")]

    @contextlib.contextmanager
    def workers_paused(self) -> Iterator[None]:
        """Worker and beat stand still, so that accepting alone is measured; only asked for while nothing is open."""
        self.wait_until_quiet()
        family = [
            member for process in self.workers() for member in [process, *process.children(recursive=True)]
        ]
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
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushdb()

    def wait_until_quiet(self) -> None:
        """Until the last rings have been published and no transaction of the shop runs."""
        with redis.Redis.from_url(self.redis_url) as client:

            def quiet() -> bool:
                before = client.llen("default")
                time.sleep(QUIET_S)
                return client.llen("default") == before and not self._transactions()

            wait_until(quiet, "the shop to be quiet", timeout_s=60)

    def _transactions(self) -> int:
        row = self.connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
        ).fetchone()
        return int(row[0]) if row else 0


def clean_environment() -> None:
    """A developer's own settings stay outside, but for those that a run may be given."""
    for name in product_variables() - set(TUNABLE):
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    made = Servers()
    try:
        yield made
    finally:
        made.stop()


def new_database(database_url: str, name: str) -> str:
    """The address of a new, empty database on the same server."""
    parts = urlsplit(database_url)
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return urlunsplit(parts._replace(path=f"/{name}"))


@contextlib.contextmanager
def stage(wallets: int = 100) -> Iterator[Stage]:
    """A running shop with one hot seat and `wallets` others."""
    with servers() as own, running_upstream() as upstream, tempfile.TemporaryDirectory() as folder:
        database_url = new_database(own.start_postgresql(DURABLE), "bench")
        redis_url = own.start_valkey()
        with shop_on(Path(folder), database_url, redis_url, upstream.environment) as ready:
            ready.found(1 + wallets)
            yield ready


@contextlib.contextmanager
def shop_on(folder: Path, database_url: str, redis_url: str, upstream: dict[str, str]) -> Iterator[Stage]:
    changes = {
        **UNLIMITED,
        **upstream,
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DEMO": "1",  # the stand-in serves live keys in the sandbox's place
    }
    port = free_port()
    with (
        running(folder, folder / "data", port=port, changes=changes) as shop,
        psycopg.connect(database_url, autocommit=True) as connection,
    ):
        yield Stage(port, database_url, redis_url, shop, connection)


def order(size: str = "256*256") -> dict[str, object]:
    return {"prompt": "a lighthouse at dusk", "size": size}


def alternately(seats: Sequence[rows.Seat], clients: int) -> list[rows.Seat]:
    """One seat for each client."""
    return [seats[number % len(seats)] for number in range(clients)]
