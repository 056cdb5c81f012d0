"""Who orders, in tests that need no more than that."""

import pytest

from accounts.access import Access
from accounts.models import Organization
from tests.makers import an_access, an_organization


@pytest.fixture
def organization(db: None) -> Organization:
    """With 100 credits that nobody paid."""
    return an_organization(100)


@pytest.fixture
def access(organization: Organization) -> Access:
    """By a live key of it."""
    return an_access(organization)
