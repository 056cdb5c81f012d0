from collections.abc import Iterator

import pytest
from django.test import Client

from accounts.models import User
from accounts.organizations import first_shop
from tests.upstreams.running import Up, running


@pytest.fixture
def operator(db: None) -> User:
    first_shop()  # as the shop's first start does
    return User.objects.create_superuser("operator@shop.example", "long enough to be one")


@pytest.fixture
def desk(operator: User) -> Client:
    """The operator's browser."""
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture(scope="session")
def portal() -> Iterator[Up]:
    with running("portal") as up:
        yield up
