"""Events are sent, signed, until they are taken."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import stripe

from tests.billing.till.buying import checkout, paid
from tests.billing.till.inbox import Inbox, open_inbox
from tests.processes import free_port
from tests.till import RunningTill, TillError, running_till
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def _as_usual(telling: RunningTill, inbox: Inbox) -> Iterator[None]:
    yield
    inbox.answers.clear()
    telling.behave(reset=True)


def test_library_takes_the_signature(telling: RunningTill, inbox: Inbox) -> None:
    client = telling.client()
    made = checkout(client, metadata={"name": "Zoë’s Studio 影"})
    telling.pay(made.id)
    (event,) = wait_until(lambda: inbox.of(made.id), "the event")
    assert (event.type, event.livemode, event.pending_webhooks) == ("checkout.session.completed", False, 1)
    assert event.data.object["metadata"]["name"] == "Zoë’s Studio 影"
    assert event.api_version == stripe.api_version
    wait_until(lambda: client.v1.events.retrieve(event.id).pending_webhooks == 0, "the answer to be noted")
    assert event.id in {taken.id for taken in client.v1.events.list({"delivery_success": True}).data}


def test_event_names_the_request_that_caused_it(telling: RunningTill, inbox: Inbox) -> None:
    made = telling.client().v1.customers.create({}, {"idempotency_key": "customer:1"})
    (event,) = wait_until(lambda: inbox.of(made.id), "the event")
    assert event.request is not None
    assert event.request.idempotency_key == "customer:1"
    assert event.request.id is not None


def tried(till: RunningTill, times: int) -> bool:
    return [row["attempts"] for row in till.waiting()] == [times]


def test_refused_event_comes_again_until_it_is_taken(telling: RunningTill, inbox: Inbox) -> None:
    client = telling.client()
    wait_until(lambda: not telling.waiting(), "all before it to be taken")
    inbox.answers = [500, 302, 400]
    made = client.v1.customers.create()
    for number, pause_s in enumerate((1, 5, 30), 1):
        wait_until(partial(tried, telling, number), "the refusal to be noted")
        assert len(inbox.of(made.id)) == number
        assert client.v1.events.list({"limit": 1}).data[0].pending_webhooks == 1
        telling.advance(pause_s)
    wait_until(lambda: not telling.waiting(), "it to be taken")
    events = inbox.of(made.id)
    assert (len(events), len({event.id for event in events})) == (4, 1)
    assert client.v1.events.list({"limit": 1}).data[0].pending_webhooks == 0


def test_event_is_given_up_after_three_days() -> None:
    with running_till(f"http://127.0.0.1:{free_port()}/", is_measured=True) as till:
        client = till.client()
        client.v1.customers.create()
        pauses_s = [1, 5, 30, 300, 3600, 3 * 3600] + [6 * 3600] * 11
        for number, pause_s in enumerate(pauses_s, 1):
            wait_until(partial(tried, till, number), "one more try")
            with pytest.raises(TillError, match="still on their way"):
                till.forget()
            till.advance(pause_s)
        wait_until(lambda: not till.waiting(), "it to be given up")
        assert client.v1.events.list({"limit": 1}).data[0].pending_webhooks == 1


def test_dropped_events_are_not_sent(telling: RunningTill, inbox: Inbox) -> None:
    client = telling.client()
    telling.behave(webhooks="drop")
    made = client.v1.customers.create()
    telling.behave(webhooks="deliver")
    later = client.v1.customers.create()
    wait_until(lambda: inbox.of(later.id), "the later event")
    assert not inbox.of(made.id)
    assert made.id in {event["data"]["object"]["id"] for event in telling.events("customer.created")}


def test_duplicates_are_sent_when_asked_for(telling: RunningTill, inbox: Inbox) -> None:
    telling.behave(webhooks="duplicate")
    made = telling.client().v1.customers.create()
    one, two = wait_until(lambda: len(found := inbox.of(made.id)) == 2 and found, "both") or []
    assert one.id == two.id


def test_event_is_sent_again_by_hand(telling: RunningTill, inbox: Inbox) -> None:
    made = telling.client().v1.customers.create()
    (event,) = wait_until(lambda: inbox.of(made.id), "the event")
    telling.resend(event.id)
    wait_until(lambda: len(inbox.of(made.id)) == 2, "it again")


def test_event_is_signed_for_delivery_by_hand(telling: RunningTill) -> None:
    telling.client().v1.customers.create()
    event = telling.events("customer.created")[-1]
    event["data"]["object"]["email"] = "zoë@studio.example"
    body, headers = telling.signed(event)
    found = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], telling.webhook_secret)
    assert found.data.object["email"] == "zoë@studio.example"
    assert json.loads(body)["id"] == event["id"]


def test_undelivered_events_survive_the_end(tmp_path: Path) -> None:
    with open_inbox() as inbox, running_till(inbox.url, tmp_path, is_measured=True) as till:
        inbox.answers = [503] * 1000
        client = till.client()
        intent = paid(client, till, metadata={"payment": "1"})
        buyer = client.v1.customers.create({"email": "kept@b.example"}, {"idempotency_key": "customer:1"})
        till.kill()
        inbox.answers = []
        till.start()
        till.advance(5)
        wait_until(lambda: inbox.of(intent, "payment_intent.succeeded"), "the event")
        assert client.v1.payment_intents.retrieve(intent).status == "succeeded"
        again = client.v1.customers.create({"email": "kept@b.example"}, {"idempotency_key": "customer:1"})
        assert again.id == buyer.id


@pytest.mark.parametrize("answer", ["nothing", "garbage"])
def test_endpoint_that_speaks_no_http_is_tried_again(answer: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        tries = []

        def let_in() -> None:
            for _ in range(2):
                caller, _ = door.accept()
                with caller:
                    tries.append(caller.recv(65536))
                    if answer == "garbage":
                        caller.sendall(b"hello\r\n")

        thread = threading.Thread(target=let_in)
        thread.start()
        with running_till(f"http://127.0.0.1:{port}/hook", is_measured=True) as till:
            till.client().v1.customers.create()
            wait_until(lambda: tries, "the first try")
            wait_until(lambda: till.advance(1) and len(tries) == 2, "the second")
            thread.join()
        assert tries[0].startswith(b"POST /hook HTTP/1.1\r\n")


def test_desk_sends_the_events_of_a_payment_again(telling: RunningTill, inbox: Inbox) -> None:
    client = telling.client()
    first, second = paid(client, telling), paid(client, telling)
    wait_until(lambda: not telling.waiting(), "all to be taken")
    with closing(http.client.HTTPConnection("127.0.0.1", telling.port, timeout=10)) as connection:
        connection.request("POST", "/", f"payment={first}&action=resend", {"Origin": telling.base_url})
        assert connection.getresponse().status == 303
    wait_until(lambda: not telling.waiting(), "them to be taken again")
    assert [len(inbox.of(intent, "payment_intent.succeeded")) for intent in (first, second)] == [2, 1]
