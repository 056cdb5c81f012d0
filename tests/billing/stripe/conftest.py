"""The till, as Stripe, behind everything here; and a customer who buys."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from billing.stripe_gateway import silence
from tests.billing.stripe.buying import Buyer, a_buyer
from tests.till import RunningTill, running_till


@pytest.fixture(scope="package")
def one_till() -> Iterator[RunningTill]:
    with running_till() as till:
        yield till


@pytest.fixture
def till(one_till: RunningTill, settings: Settings) -> RunningTill:
    """As usual again, and what the settings call Stripe."""
    one_till.behave(reset=True)
    silence.end()
    settings.STRIPE_SECRET_KEY = one_till.secret_key
    settings.STRIPE_WEBHOOK_SECRETS = [one_till.webhook_secret]
    settings.STRIPE_API_BASE = one_till.base_url
    settings.STRIPE_LIVEMODE = False
    settings.STRIPE_PROMOTION_CODES = True
    settings.STRIPE_TAX = False
    settings.OPERATOR_EMAILS = []
    return one_till


@pytest.fixture
def new_buyer(till: RunningTill) -> Callable[[], Buyer]:
    return lambda: a_buyer(till)
