"""One shop, and OpenAI's own client before it."""

from collections.abc import Iterator

import openai
import pytest
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from tests.databases import Restore, kept_rows
from tests.generations.openai_api.customers import Customer
from tests.shop import RunningShop, start

SETTINGS = {"SANDBOX_SECONDS": "0", "OPENAI_WAIT_S": "6", "MAX_OPEN_TASKS": "10000"}
# A worker that stands still is taken for one that needs as long for each: hundreds of orders may wait for it.
SETTINGS |= {"CALL_TOTAL_S": "10", "RATE_LIMIT_ORGANIZATION_BURST": "10000"}


@pytest.fixture(scope="package")
def kept_db(django_db_setup: Restore, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """As `committed_db`, but what one test commits is there for those after it."""
    yield from kept_rows(django_db_setup, django_db_blocker)


@pytest.fixture(scope="package")
def shop(kept_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    with start(tmp_path_factory.mktemp("shop"), **SETTINGS) as shop:
        yield shop


@pytest.fixture
def customer(shop: RunningShop) -> Iterator[Customer]:
    """A new one, with 1,000 credits and a live key."""
    yield Customer.new(shop)
    connection.close()


@pytest.fixture
def client(customer: Customer) -> Iterator[openai.OpenAI]:
    """Theirs, as it comes out of the box."""
    with customer.client() as client:
        yield client
