"""Real commits that stay for all tests of a module, so that these can share a running shop."""

from collections.abc import Iterator

import pytest
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from tests.databases import Restore


@pytest.fixture(scope="module")
def kept_db(django_db_setup: Restore, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """As `committed_db`, but what one test commits is there for those after it."""
    yield from kept(django_db_setup, django_db_blocker)


def kept(restore: Restore, blocker: DjangoDbBlocker) -> Iterator[None]:
    with blocker.unblock():
        yield
        connections.close_all()
        restore()
