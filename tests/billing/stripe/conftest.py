"""The till, as Stripe, behind everything here; and a customer who buys."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from billing.stripe_gateway import line, silence
from tests.billing.stripe.buying import Buyer, a_buyer
from tests.till import RunningTill


@pytest.fixture
def till(
    one_till: RunningTill, settings: Settings, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> RunningTill:
    """As at its first start, and what the settings call Stripe."""
    if "committed_db" not in request.fixturenames:  # no other thread has to be waited for
        monkeypatch.setattr(line, "PAUSES_S", (0.02, 0.05))
    one_till.behave(reset=True)
    one_till.forget()
    silence.end()
    settings.STRIPE_SECRET_KEY = one_till.secret_key
    settings.STRIPE_WEBHOOK_SECRETS = [one_till.webhook_secret]
    settings.STRIPE_API_BASE = one_till.base_url
    settings.TILL_SECRET = one_till.till_secret
    settings.STRIPE_LIVEMODE = False
    settings.STRIPE_PROMOTION_CODES = True
    settings.STRIPE_TAX = False
    settings.OPERATOR_EMAILS = []
    return one_till


@pytest.fixture
def new_buyer(till: RunningTill) -> Callable[[], Buyer]:
    return lambda: a_buyer(till)
