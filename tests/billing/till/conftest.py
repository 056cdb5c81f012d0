"""One till for all tests of this folder that need no other."""

from collections.abc import Iterator

import pytest
import stripe

from tests.billing.till.inbox import Inbox, open_inbox
from tests.till import RunningTill, running_till


@pytest.fixture(scope="package")
def the_till() -> Iterator[RunningTill]:
    with running_till(is_measured=True) as till:
        yield till


@pytest.fixture
def till(the_till: RunningTill) -> RunningTill:
    the_till.behave(reset=True)
    the_till.forget()
    return the_till


@pytest.fixture
def client(till: RunningTill) -> stripe.StripeClient:
    """The real library; it asks once, so that a test sees every answer."""
    return till.client(max_network_retries=0)


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    with open_inbox() as inbox:
        yield inbox


@pytest.fixture(scope="module")
def telling(inbox: Inbox) -> Iterator[RunningTill]:
    """A till that tells the inbox."""
    with running_till(inbox.url, is_measured=True) as till:
        yield till
