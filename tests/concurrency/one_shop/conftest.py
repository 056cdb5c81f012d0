"""One running shop for all tests in this folder: to start one takes longer than most of them."""

import os
from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.databases import Restore, kept_rows
from tests.shop import RunningShop, start


@pytest.fixture(scope="package")
def kept_db(django_db_setup: Restore, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """As `committed_db`, but what one test commits is there for those after it."""
    yield from kept_rows(django_db_setup, django_db_blocker)


@pytest.fixture(scope="package")
def shop(kept_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    """With two web processes where Redis counts for all of them."""
    web = {"WEB_PROCESSES": "2"} if os.environ.get("REDIS_URL") else {}
    with start(tmp_path_factory.mktemp("one_shop"), SANDBOX_SECONDS="0", **web) as shop:
        yield shop
