"""One shop on a PostgreSQL and a Valkey of its own, which the tests in this folder end, freeze and empty."""

from collections.abc import Iterator

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
    database_url = own_servers.postgresql.url
    with psycopg.connect(database_url, dbname="postgres", autocommit=True) as server:
        server.execute("CREATE DATABASE tintype")
    addresses = {"DATABASE_URL": database_url, "REDIS_URL": own_servers.valkey.url, "DEMO": "1"}
    folder = tmp_path_factory.mktemp("own_servers")
    database = {
        **environ.Env.db_url_config(database_url),
        "ENGINE": "django.db.backends.postgresql",
    }
    with (
        start_elsewhere(folder, folder / "data", **SETTINGS, **addresses, **upstream.environment) as shop,
        django_db_blocker.unblock(),
        speaking_to(database),
    ):
        yield shop
