"""One shop for all tests in this folder: to start one takes longer than most of them."""

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests import scale
from tests.databases import Restore, kept_rows
from tests.shop import RunningShop, start
from tests.upstream.running import RunningUpstream, running_upstream

SETTINGS = {
    "SWEEP_S": "0.3",
    "MAX_OPEN_TASKS": "10000",
    "RATE_LIMIT_READ_PER_MINUTE": "100000",  # trying again with the same key counts as reading
    "RATE_LIMIT_READ_BURST": "10000",
    "UPSTREAM_TIMEOUT_S": "3",
    "UPSTREAM_AFTER_CRASH": "never",
    "SHORT_PAUSES": "0" if scale.PROOF else "1",
}


@pytest.fixture(scope="package")
def kept_db(django_db_setup: Restore, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """As everywhere, but for all modules of this folder."""
    yield from kept_rows(django_db_setup, django_db_blocker)


@pytest.fixture(scope="package")
def upstream() -> Iterator[RunningUpstream]:
    with running_upstream() as upstream:
        yield upstream


@pytest.fixture(scope="package")
def shop(
    kept_db: None, upstream: RunningUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningShop]:
    folder = tmp_path_factory.mktemp("one_shop")
    with start(folder, **SETTINGS, **upstream.environment) as shop:
        yield shop
