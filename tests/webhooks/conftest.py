from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.webhooks.street import Street


@pytest.fixture
def street() -> Iterator[Street]:
    with Street() as street:
        yield street


@pytest.fixture
def loopback_allowed(settings: Settings) -> None:
    settings.OUTBOUND_LOOPBACK = True
