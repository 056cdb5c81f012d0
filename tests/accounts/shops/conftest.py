"""A shop beside the first one."""

import pytest

from accounts.models import Shop
from tests.accounts.shops.steps import harbour


@pytest.fixture
def shop(db: None) -> Shop:
    return harbour()
