"""One shop on a PostgreSQL and a Valkey of its own, which the tests in this folder end, freeze and empty."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import environ
import psycopg
import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.databases import speaking_to
from tests.faults.soak import SETTINGS
from tests.servers import Servers
from tests.shop import RunningShop, start_elsewhere
from tests.upstream.running import RunningUpstream, running_upstream


@pytest.fixture(scope="package")
def own_servers() -> Iterator[Servers]:
    servers = Servers()
    try:
        servers.start_valkey()
        servers.start_postgresql()
        yield servers
    finally:
        servers.stop()


@pytest.fixture(scope="package")
def upstream() -> Iterator[RunningUpstream]:
    with running_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="package")
def shop(
    own_servers: Servers,
    upstream: RunningUpstream,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[RunningShop]:
    """Open, and this process's own queries go to its database."""
    folder = tmp_path_factory.mktemp("own_servers")
    changes = {**SETTINGS, **upstream.environment}
    with django_db_blocker.unblock(), a_shop_on(own_servers, folder, "tintype", 0, **changes) as shop:
        yield shop


@pytest.fixture
def patient_shop(
    own_servers: Servers,
    upstream: RunningUpstream,
    tmp_path: Path,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[RunningShop]:
    """Another one, whose leases outlast any restart of a server."""
    changes = {**SETTINGS, "LEASE_S": "30", "DEADLINE_S": "120", **upstream.environment}
    with django_db_blocker.unblock(), a_shop_on(own_servers, tmp_path, "patient", 1, **changes) as shop:
        yield shop


@contextmanager
def a_shop_on(
    servers: Servers, folder: Path, database: str, redis_database: int, **changes: str
) -> Iterator[RunningShop]:
    """With a new database of this name, and a number of Valkey's."""
    url = urlsplit(servers.postgresql.url)._replace(path=f"/{database}").geturl()
    with psycopg.connect(servers.postgresql.url, dbname="postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {database}")
    redis_url = urlsplit(servers.valkey.url)._replace(path=f"/{redis_database}").geturl()
    addresses = {"DATABASE_URL": url, "REDIS_URL": redis_url, "DEMO": "1"}
    ours = {**environ.Env.db_url_config(url), "ENGINE": "django.db.backends.postgresql"}
    with start_elsewhere(folder, folder / "data", **changes, **addresses) as shop, speaking_to(ours):
        yield shop
