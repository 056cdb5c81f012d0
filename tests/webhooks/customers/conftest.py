from collections.abc import Iterator

import pytest

from tests.webhooks.receiver import Receiver, receiving


@pytest.fixture(autouse=True)
def _loopback(loopback_allowed: None) -> None:
    """Receivers of tests stand on this machine."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running
        assert running.forged == []
