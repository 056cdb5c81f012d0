"""A running shop tells its customers of every order, whatever their servers and its own worker go through."""

import signal
import threading
from collections.abc import Iterator

import pytest
from django.test import override_settings

from accounts.models import Organization
from tests.faults.books import a_customer
from tests.makers import ago, all_have_ended
from tests.shop import RunningShop, start
from tests.waiting import wait_until
from tests.webhooks.receiver import Receiver, Reply, receiving
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.everyday_on("postgresql")

ORDERS = 5
ENDS = ["generation.succeeded", "generation.failed", "generation.canceled"]


@pytest.fixture(scope="module")
def shop(kept_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    quick = {"SWEEP_S": "0.3", "SANDBOX_SECONDS": "0", "DEMO": "1"}
    with (
        override_settings(OUTBOUND_LOOPBACK=True),
        start(tmp_path_factory.mktemp("shop"), OUTBOUND_LOOPBACK="1", **quick) as shop,
    ):
        yield shop


def a_listener(shop: RunningShop, receiver: Receiver) -> tuple[Organization, str]:
    """An organization that listens there, and a key of its own."""
    organization, key = a_customer()
    slug = organization.slug
    manager = shop.key(slug, "--scopes", "admin")
    body = {"url": receiver.url, "events": ENDS}
    status, _, endpoint = shop.ask("POST", "/api/v1/webhook-endpoints", manager, body)
    assert status == 200, endpoint
    receiver.secrets.append(endpoint["secret"])
    return organization, key


def all_are_told(receiver: Receiver, tasks: list[str]) -> bool:
    return {one.event["data"]["id"] for one in receiver.received} >= set(tasks)


def make_due(organization: Organization) -> None:
    """As if pauses and leases were over."""
    waiting = WebhookDelivery.objects.filter(organization=organization, status="pending")
    waiting.update(next_attempt_at=ago(1))
    waiting.filter(lease_until__isnull=False).update(lease_until=ago(1))


def test_receiver_that_fails_is_down_and_comes_back_hears_of_every_order(shop: RunningShop) -> None:
    with receiving() as receiver:
        organization, key = a_listener(shop, receiver)
        receiver.answer = lambda _: Reply(500)
        tasks = [shop.order(key) for _ in range(ORDERS)]
        wait_until(lambda: receiver.received, "a first try", timeout_s=30)
    port, secrets = receiver.port, receiver.secrets
    tasks.append(shop.order(key, "sandbox:failed"))
    deliveries = WebhookDelivery.objects.filter(organization=organization)
    wait_until(lambda: deliveries.count() == len(tasks), "all to have ended", timeout_s=30)
    make_due(organization)
    unreachable = WebhookAttempt.objects.filter(delivery__in=deliveries, error="unreachable")
    wait_until(unreachable.exists, "a try in vain", timeout_s=30)
    with receiving(port) as again:
        again.secrets = secrets

        def all_have_arrived() -> bool:
            make_due(organization)
            return all_are_told(again, tasks) and not deliveries.exclude(status="succeeded").exists()

        wait_until(all_have_arrived, "every order to be told", timeout_s=60)
        assert again.forged == receiver.forged == []
        failed = [one.event for one in again.received if one.event["type"] == "generation.failed"]
        assert {event["data"]["id"] for event in failed} == {tasks[-1]}
    assert WebhookEndpoint.objects.get(organization=organization).failing_since is None


def test_what_a_killed_worker_was_sending_is_sent_by_the_next(shop: RunningShop) -> None:
    with receiving() as receiver:
        organization, key = a_listener(shop, receiver)
        killed = threading.Event()

        def hold(_received: object) -> Reply:
            killed.wait(20)
            return Reply()

        receiver.answer = hold
        task = shop.order(key)
        wait_until(lambda: len(receiver.received) == 1, "a first try", timeout_s=30)
        worker = shop.worker()
        worker.send_signal(signal.SIGKILL)
        worker.wait(30)
        killed.set()
        delivery = WebhookDelivery.objects.get(organization=organization)
        assert delivery.status == "pending"
        assert delivery.lease_until is not None
        make_due(organization)
        wait_until(lambda: len(receiver.received) == 2, "the next worker", timeout_s=60)
        ended = WebhookDelivery.objects.filter(pk=delivery.pk, status="succeeded")
        wait_until(ended.exists, "it to be written down")
        assert {one.event["data"]["id"] for one in receiver.received} == {task}
        assert len({one.id for one in receiver.received}) == 1
        log = WebhookAttempt.objects.filter(delivery=delivery).order_by("number")
        assert list(log.values_list("response_status", "error")) == [(None, ""), (200, "")]


def test_worker_that_is_asked_to_leave_waits_for_the_answer(shop: RunningShop) -> None:
    with receiving() as receiver:
        organization, key = a_listener(shop, receiver)
        asked = threading.Event()

        def hold(_received: object) -> Reply:
            asked.wait(20)
            return Reply()

        receiver.answer = hold
        shop.order(key)
        wait_until(lambda: len(receiver.received) == 1, "a first try", timeout_s=30)
        worker = shop.worker()
        worker.terminate()
        asked.set()
        worker.wait(60)
        delivery = WebhookDelivery.objects.get(organization=organization)
        assert (delivery.status, delivery.claim) == ("succeeded", 1)
    wait_until(all_have_ended, "all to end", timeout_s=30)
