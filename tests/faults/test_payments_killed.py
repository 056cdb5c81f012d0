"""kill -9 of web and worker while people pay: every payment is credited, and once."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import override_settings

from billing import audit, checkout
from billing.models import LedgerEntry, Payment, PaymentStatus, StripeEvent
from tests import scale
from tests.billing.stripe.buying import CREDITS, Buyer, a_buyer
from tests.makers import ago
from tests.processes import free_port, listens
from tests.shop import RunningShop, start
from tests.till import RunningTill
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("postgresql")
PAYMENTS = scale.count(8, 60)
# Not too often: the supervisor's pause grows up to 10 s from one quick death to the next.
A_KILL_EVERY = scale.count(4, 12)


@dataclass(frozen=True)
class Counter:
    """A shop and the till that tells it of payments."""

    shop: RunningShop
    till: RunningTill


@pytest.fixture(scope="module")
def counter(kept_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    till = RunningTill(tmp_path_factory.mktemp("till"), None)
    till.port = free_port()
    with start(tmp_path_factory.mktemp("shop"), SWEEP_S="0.3", DEMO="1", **till.environment) as shop:
        till.webhook_url = f"http://127.0.0.1:{shop.port}/webhooks/stripe"
        till.start()
        stripe_settings = {
            "STRIPE_SECRET_KEY": till.secret_key,
            "STRIPE_WEBHOOK_SECRETS": [till.webhook_secret],
            "STRIPE_API_BASE": till.base_url,
            "PUBLIC_URL": django_settings.PUBLIC_URL,
        }
        try:
            with override_settings(**stripe_settings):
                yield Counter(shop, till)
        finally:
            till.end()


def open_payments(till: RunningTill) -> tuple[list[Buyer], list[str]]:
    """As many buyers as it takes: of each only so many checkouts may wait."""
    buyers = [a_buyer(till) for _ in range(0, PAYMENTS, checkout.MOST_WAITING)]
    started = [buyers[number % len(buyers)].starts() for number in range(PAYMENTS)]
    return buyers, [str(payment.session_id) for payment in started]


def assert_each_is_credited_once(counter: Counter, buyers: list[Buyer]) -> None:
    if not scale.PROOF:  # which waits for half a minute
        what_the_killed_held_is_due(counter)
    organizations = [buyer.organization for buyer in buyers]
    paid = Payment.objects.filter(organization__in=organizations, status=PaymentStatus.PAID)
    wait_until(lambda: paid.count() == PAYMENTS, "every payment to be credited", timeout_s=90)
    entries = LedgerEntry.objects.filter(wallet__organization__in=organizations)
    assert list(entries.values_list("kind", flat=True)) == ["top_up"] * PAYMENTS
    assert sum(buyer.wallet()[0] for buyer in buyers) == PAYMENTS * CREDITS
    assert audit.check_snapshot() == []


def what_the_killed_held_is_due(counter: Counter) -> None:
    wait_until(lambda: listens(counter.shop.port), "a web process", timeout_s=30)
    counter.till.advance(30)
    StripeEvent.objects.filter(processed_at=None).update(due_at=ago(0.001))
    Payment.objects.exclude(sync_due_at=None).update(sync_due_at=ago(0.001))
    connection.close()


def test_worker_killed_while_it_looks_at_stripe(counter: Counter) -> None:
    buyers, sessions = open_payments(counter.till)
    counter.till.behave(slow_s=0.1)  # so that a kill meets looks under way
    for index, session in enumerate(sessions):
        counter.till.pay(session)
        if index % 4 == 3:
            known = StripeEvent.objects.filter(attempts__gte=1).count()
            wait_until(
                lambda known=known: StripeEvent.objects.filter(attempts__gte=1).count() > known,  # type: ignore[misc]
                "an event to be worked on",
                timeout_s=60,
            )
            counter.shop.worker().send_signal(signal.SIGKILL)
    counter.till.behave(reset=True)
    assert_each_is_credited_once(counter, buyers)


def test_web_killed_while_webhooks_arrive(counter: Counter) -> None:
    """The till tells again what was not taken; what it gives up is found by reconciling."""
    buyers, sessions = open_payments(counter.till)
    for index, session in enumerate(sessions):
        counter.till.pay(session)
        if (index + 1) % A_KILL_EVERY == 0:
            web = wait_until(lambda: counter.shop.processes.children("granian"), "a web process", 60)
            os.killpg(web[0].pid, signal.SIGKILL)
    assert_each_is_credited_once(counter, buyers)
