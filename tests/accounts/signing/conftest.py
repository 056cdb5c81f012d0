"""Two shops beside the first one."""

import pytest

from tests.several import Place, a_shop


@pytest.fixture
def north(db: None) -> Place:
    return a_shop("North")


@pytest.fixture
def south(north: Place) -> Place:
    return a_shop("South")
