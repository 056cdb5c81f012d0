"""One till for several shops: each has an account of its own, and hears of that alone."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import stripe

from billing.stripe_keys import of_till
from tests.billing.till.buying import checkout, customer, paid
from tests.billing.till.inbox import Inbox
from tests.billing.till.test_pages import visit
from tests.till import RunningTill, running_till
from tests.waiting import wait_until


def test_each_has_customers_sessions_and_events_of_its_own(
    till: RunningTill, client: stripe.StripeClient
) -> None:
    second = till.of_shop(2)
    theirs = second.client()
    ours, other = customer(client), customer(theirs)
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        client.v1.customers.retrieve(other.id)
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        checkout(theirs, customer=ours.id)
    intent = paid(theirs, second)
    assert client.v1.payment_intents.list().data == []
    assert [one.id for one in theirs.v1.payment_intents.list().data] == [intent]
    assert "payment_intent.succeeded" in {event["type"] for event in second.events()}
    assert {event["type"] for event in till.events()} == {"customer.created"}
    assert {one["path"] for one in till.log()} == {
        "/v1/customers",
        f"/v1/customers/{other.id}",
        "/v1/payment_intents",
    }


def test_the_same_idempotency_key_is_another_at_each(till: RunningTill, client: stripe.StripeClient) -> None:
    clients = (client, till.of_shop(2).client())
    made = [one.v1.customers.create({}, {"idempotency_key": "customer:1"}).id for one in clients * 2]
    assert made[:2] == made[2:]
    assert made[0] != made[1]


@pytest.mark.parametrize(
    "key", ["sk_test_till2x" + "0" * 32, of_till("another secret", 2)[0], "sk_test_till2x"]
)
def test_a_key_that_was_made_up_opens_nothing(till: RunningTill, key: str) -> None:
    client = stripe.StripeClient(key, base_addresses={"api": till.base_url}, max_network_retries=0)
    with pytest.raises(stripe.AuthenticationError):
        client.v1.events.list()


def test_one_misbehaves_and_the_other_does_not(till: RunningTill, client: stripe.StripeClient) -> None:
    second = till.of_shop(2)
    second.behave(down=True)
    with pytest.raises(stripe.APIError):
        second.client(max_network_retries=0).v1.events.list()
    client.v1.events.list()
    second.behave(reset=True)
    second.client().v1.events.list()


def test_codes_and_time_are_there_for_all(till: RunningTill) -> None:
    second = till.of_shop(2)
    assert second.pay(checkout(second.client(), allow_promotion_codes=True).id, promotion_code="HALF")
    late = checkout(second.client())
    till.advance(25 * 3600)
    wait_until(
        lambda: second.client().v1.checkout.sessions.retrieve(late.id).status == "expired", "it to expire"
    )


# --- Pages ------------------------------------------------------------------------------------------


def test_pages_are_of_the_account_whose_they_are(till: RunningTill, client: stripe.StripeClient) -> None:
    second = till.of_shop(2)
    named: dict[str, Any] = {"branding_settings": {"display_name": "Plates <&>"}}
    session = checkout(second.client(), **named)
    page = visit(till, f"/pay/{session.id}")
    assert page.status == 200
    assert "Plates &lt;&amp;&gt;" in page.body.decode()
    intent = paid(second.client(), second, **named)
    assert intent not in visit(till, "/").text
    desk = visit(till, "/shops/2/")
    assert intent in desk.text
    assert 'action="/shops/2/"' in desk.text
    assert 'href="/shops/2/"' in visit(till, "/").text
    done = visit(till, "/shops/2/", {"payment": intent, "action": "refund", "amount": "2,50"})
    assert (done.status, done.location) == (303, f"/shops/2/#{intent}")
    assert len(second.client().v1.refunds.list({"payment_intent": intent}).data) == 1
    assert visit(till, "/", {"payment": intent, "action": "refund", "amount": "1"}).status == 404


@pytest.mark.parametrize("path", ["/shops/3/", "/shops/02/", "/shops/x/", "/shops/9999999999999999999999/"])
def test_nobody_s_desk_is_not_there(till: RunningTill, path: str) -> None:
    assert visit(till, path).status == 404


def test_what_the_till_does_not_draw_is_refused(till: RunningTill, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="button_color"):
        checkout(client, branding_settings={"button_color": "#004488"})


# --- What it tells ------------------------------------------------------------------------------------


def test_events_go_to_the_host_of_the_shop_signed_for_it(telling: RunningTill, inbox: Inbox) -> None:
    second = telling.of_shop(2)
    pages: dict[str, Any] = {
        name: f"http://plates.example:8000/credits/{path}"
        for name, path in {"success_url": "?session={CHECKOUT_SESSION_ID}", "cancel_url": ""}.items()
    }
    session = checkout(second.client(), **pages)
    second.pay(session.id)
    about = f'"id": "{session.id}"'.encode()
    [(body, signature, host), *_more] = wait_until(
        lambda: [one for one in inbox.hosts if about in one[0]], "its event"
    )
    assert host == "plates.example:8000"
    assert stripe.Webhook.construct_event(body, signature, second.webhook_secret)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, telling.webhook_secret)
    [endpoint] = second.client().v1.webhook_endpoints.list().data
    assert endpoint.url == "http://plates.example:8000/webhooks/stripe?shop=1"


# --- From before there were several -------------------------------------------------------------------


def test_what_a_till_of_one_shop_knew_is_still_there(tmp_path: Path) -> None:
    with running_till(data=tmp_path) as till:
        made = till.client().v1.customers.create({}, {"idempotency_key": "customer:1"})
        till.advance(60)
        till.kill()
        make_it_older(tmp_path / "till.sqlite3")
        till.start()
        assert till.client().v1.customers.retrieve(made.id).id == made.id
        again = till.client().v1.customers.create({}, {"idempotency_key": "customer:1"})
        assert again.id == made.id
        assert till.of_shop(2).client().v1.customers.list().data == []


def make_it_older(file: Path) -> None:
    """Tables as they were for one account."""
    connection = sqlite3.connect(file)
    for table, columns in OLDER.items():
        kept = [part.split()[0] for part in columns.split(", ")]
        connection.execute(f"ALTER TABLE {table} RENAME TO newer")
        connection.execute(f"CREATE TABLE {table} ({columns})")
        connection.execute(f"INSERT INTO {table} SELECT {', '.join(kept)} FROM newer WHERE account = ''")
        connection.execute("DROP TABLE newer")
    connection.execute("DROP TABLE shops")
    connection.execute("CREATE INDEX objects_kind ON objects (kind, seq)")
    connection.commit()
    connection.close()


OLDER = {
    "objects": "seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, body TEXT NOT NULL",
    "deliveries": "seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, first_at REAL NOT NULL,"
    " due_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, last_status INTEGER",
    "replies": "key TEXT PRIMARY KEY, digest TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,"
    " request_id TEXT NOT NULL, at REAL NOT NULL",
    "numbers": "name TEXT PRIMARY KEY, value INTEGER NOT NULL",
}
