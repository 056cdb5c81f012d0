"""Workers that race for the same deliveries, and one that sends many at once."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from django.db import connection
from django.db.models import F
from pytest_django import Settings

from tests.cast import Person
from tests.scale import count
from tests.threads import together
from tests.waiting import wait_until
from tests.webhooks.customers.telling import an_endpoint, an_event, send_due
from tests.webhooks.receiver import Receiver, Reply, receiving
from tests.webhooks.street import UNTRUSTING
from webhooks import doorbell, errands, secrets, settling
from webhooks.carrying import carry
from webhooks.courier import Courier
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEvent, WebhookFeed
from webhooks.outbound import Door

WORKERS = 8
together_here = threading.Barrier(WORKERS)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(doorbell, "_silent_until", float("inf"))
    settings.OUTBOUND_LOOPBACK = True


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running
        assert running.forged == []


def carried(errand: errands.Errand) -> settling.Outcome:
    async def through_the_door() -> settling.Outcome:
        return await carry(Door(verify=UNTRUSTING), errand)

    return asyncio.run(through_the_door())


def send(delivery: WebhookDelivery, attempt_id: int) -> None:
    errand = errands.prepare(delivery, attempt_id)
    settling.settle(errand, carried(errand))


def read_then_sent(pk: int) -> None:
    """The control: who reads that it is due, and then sends it."""
    delivery = WebhookDelivery.objects.select_related("endpoint", "event").get(pk=pk)
    if delivery.status != "pending":
        return
    together_here.wait(10)
    WebhookDelivery.objects.filter(pk=pk).update(claim=F("claim") + 1)
    carried(errands.prepare(delivery, 0))


def claimed_then_sent(pk: int) -> None:
    delivery = WebhookDelivery.objects.select_related("endpoint", "event").get(pk=pk)
    together_here.wait(10)
    attempt_id = errands.claim(delivery)
    if attempt_id is not None:
        send(delivery, attempt_id)


@pytest.mark.parametrize("guarded", [False, True])
def test_of_workers_that_race_for_a_delivery_one_sends_it(
    race_db: None, alice: Person, receiver: Receiver, guarded: bool
) -> None:
    an_endpoint(alice, receiver)
    for _round in range(count(2, 20)):
        an_event(alice.organization)
        delivery = WebhookDelivery.objects.order_by("-pk")[0]
        work = claimed_then_sent if guarded else read_then_sent

        def race(_index: int, work: Callable[[int], None] = work, pk: int = delivery.pk) -> None:
            work(pk)

        assert together(WORKERS, race) == [None] * WORKERS
        heard = [one.id for one in receiver.received].count(delivery.public_id)
        assert heard == (1 if guarded else WORKERS)
        if guarded:
            delivery.refresh_from_db()
            assert (delivery.status, delivery.claim) == ("succeeded", 1)
            assert WebhookAttempt.objects.filter(delivery=delivery).count() == 1


def test_events_of_many_at_once_are_numbered_without_gaps(
    race_db: None, alice: Person, receiver: Receiver
) -> None:
    an_endpoint(alice, receiver)
    each = count(3, 20)

    def tell(_index: int) -> None:
        for number in range(each):
            an_event(alice.organization, number)

    assert together(WORKERS, tell) == [None] * WORKERS
    numbers = list(WebhookEvent.objects.order_by("sequence").values_list("sequence", flat=True))
    assert numbers == list(range(1, WORKERS * each + 1))


def test_numbers_made_of_the_one_that_was_read_are_all_the_same_control(race_db: None, alice: Person) -> None:
    feed = secrets.feed_of(alice.organization.pk)
    connection.close()
    everybody_has_read = threading.Barrier(WORKERS)

    def count_naively(_index: int) -> int:
        mine = WebhookFeed.objects.filter(pk=feed.pk)
        number = mine.get().last_sequence + 1
        connection.close()
        everybody_has_read.wait(30)
        mine.update(last_sequence=number)
        return number

    assert together(WORKERS, count_naively) == [1] * WORKERS


def test_worker_that_lost_its_lease_decides_nothing(race_db: None, alice: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver)
    an_event(alice.organization)
    [late] = errands.take_due(1)
    WebhookDelivery.objects.update(lease_until=None)
    send_due()
    settling.settle(late, settling.Outcome(10, status=500))
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.claim, delivery.response_status) == ("succeeded", 2, 200)
    log = list(WebhookAttempt.objects.order_by("number").values_list("response_status", flat=True))
    assert log == [500, 200]


def test_without_its_claim_a_late_worker_decides_for_the_one_that_is_sending_control(
    race_db: None, alice: Person, receiver: Receiver
) -> None:
    an_endpoint(alice, receiver)
    an_event(alice.organization)
    [late] = errands.take_due(1)
    WebhookDelivery.objects.update(lease_until=None)
    [sending] = errands.take_due(1)
    settling.settle(replace(late, claim=sending.claim), settling.Outcome(10, status=500))
    assert WebhookDelivery.objects.get().lease_until is None, "Others may take what is being sent"


def test_receivers_that_take_their_time_hold_up_nobody_else(
    race_db: None, alice: Person, charlie: Person, receiver: Receiver
) -> None:
    """One process; the slow one gets its share at once and no more, the others pass."""
    with receiving() as slow:
        held = threading.Event()

        def wait(_received: object) -> Reply:
            held.wait(10)
            return Reply()

        slow.answer = wait
        an_endpoint(alice, slow)
        for number in range(12):
            an_event(alice.organization, number)
        an_endpoint(charlie, receiver)
        for number in range(6):
            an_event(charlie.organization, number)
        courier = Courier()
        courier.wake()
        wait_until(lambda: len(receiver.received) == 6, "those who are quick to be told")
        wait_until(lambda: len(slow.received) == errands.AT_ONCE, "the slow one's share")
        assert not courier.drain(0)
        held.set()
        wait_until(lambda: len(slow.received) == 12, "the slow one to be told all")
        assert courier.drain(10)
        assert slow.most_at_once == errands.AT_ONCE
        assert slow.forged == []
        assert set(WebhookDelivery.objects.values_list("status", flat=True)) == {"succeeded"}
