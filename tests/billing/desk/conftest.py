import pytest
from django.test import Client

from tests.billing.stripe.conftest import new_buyer, till
from tests.operators import desk_of, operator

__all__ = ["desk", "new_buyer", "till"]


@pytest.fixture
def desk(db: None) -> Client:
    return desk_of(operator())
