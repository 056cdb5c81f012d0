"""How the till is spoken to: who may, what it takes, and what it answers twice."""

import base64
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
import stripe

from tests.billing.till.buying import checkout, customer, paid, price
from tests.till import SECRET_KEY, RunningTill, TillError
from tests.waiting import wait_until

VERSION = stripe.api_version


def ask(
    till: RunningTill, path: str, form: str | None = None, method: str = "", **headers: str
) -> tuple[int, Any, dict[str, str]]:
    """Without the library, as somebody might who does not keep to its ways."""
    sent = {"Authorization": f"Bearer {SECRET_KEY}", "Stripe-Version": VERSION}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    data = form.encode("utf-8", "surrogateescape") if form is not None else None
    request = urllib.request.Request(till.base_url + path, data, sent, method=method or None)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read()), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"{}"), dict(error.headers)


# --- Who --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer sk_test_other",
        "Bearer",
        "Basic !!!",
        "Digest x",
        "Basic c2tfdGVzdF9vdGhlcjo=",
        "Bearer \xe4",
    ],
)
def test_without_the_key_nothing_is_answered(till: RunningTill, header: str) -> None:
    for path in ("/v1/events", "/v1/nothing", "/control/log"):
        status, body, _ = ask(till, path, "" if path.startswith("/control") else None, Authorization=header)
        assert status == 401
        assert body["error"]["type"] == "invalid_request_error"


def test_wrong_key_is_the_librarys_authentication_error(till: RunningTill) -> None:
    client = stripe.StripeClient(
        "sk_test_other", base_addresses={"api": till.base_url}, max_network_retries=0
    )
    with pytest.raises(stripe.AuthenticationError):
        client.v1.events.list()


def test_key_may_come_as_basic(till: RunningTill) -> None:
    basic = base64.b64encode(f"{SECRET_KEY}:".encode()).decode()
    status, _, headers = ask(till, "/v1/events", Authorization=f"Basic {basic}")
    assert (status, headers["Request-Id"][:4]) == (200, "req_")


@pytest.mark.parametrize("version", ["", "2020-08-27"])
def test_other_versions_are_refused(till: RunningTill, version: str) -> None:
    status, body, _ = ask(till, "/v1/events", Stripe_Version=version)
    assert status == 400
    assert "version" in body["error"]["message"]


# --- What -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"amout": 5}, "amout", "parameter_unknown"),
        ({"line_items": [{**price(), "colour": "red"}]}, "line_items[0][colour]", "parameter_unknown"),
        (
            {"line_items": [{"quantity": 1, "price_data": {"unit_amount": 500}}]},
            "line_items[0][price_data][currency]",
            "parameter_missing",
        ),
        ({"automatic_tax": {"liability": {"type": "self"}}}, "automatic_tax[enabled]", "parameter_missing"),
        ({"automatic_tax": {"enabled": "perhaps"}}, "automatic_tax[enabled]", None),
        (
            {"line_items": [{**price(), "quantity": "two"}]},
            "line_items[0][quantity]",
            "parameter_invalid_integer",
        ),
        ({"mode": "gift"}, "mode", None),
        ({"metadata": {"k" * 41: "v"}}, f"metadata[{'k' * 41}]", None),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]", None),
        ({"metadata": {"k": {"deep": "v"}}}, "metadata[k]", None),
        ({"metadata": {f"k{n}": "v" for n in range(51)}}, "metadata", None),
        ({"metadata": "x"}, "metadata", None),
        ({"success_url": {"a": "b"}}, "success_url", None),
        ({"success_url": ""}, "success_url", "parameter_invalid_empty"),
        ({"phone_number_collection": {"enabled": True}}, "phone_number_collection", "parameter_unsupported"),
    ],
)
def test_wrong_parameters_are_named(
    client: stripe.StripeClient, change: dict[str, Any], param: str, code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        checkout(client, **change)
    assert (refused.value.param, refused.value.code) == (param, code)


@pytest.mark.parametrize(
    "form",
    [
        "metadata[a]=1&metadata[a][b]=2",
        "metadata[a][b]=1&metadata[a]=2",
        "[a]=1",
        "email[=1",
        "a" + "[b]" * 20 + "=1",
        "preferred_locales[x]=de",
        "email=\udcff",
        "email=%ff",
        "&".join(f"metadata[k{n}]=v" for n in range(1001)),
    ],
)
def test_malformed_forms_are_refused(till: RunningTill, form: str) -> None:
    status, body, _ = ask(till, "/v1/customers", form)
    assert (status, body["error"]["type"]) == (400, "invalid_request_error")


def test_brackets_may_be_empty(till: RunningTill) -> None:
    status, body, _ = ask(
        till, "/v1/customers", "preferred_locales[]=de&preferred_locales[]=en&email=a@b.example"
    )
    assert (status, body["preferred_locales"]) == (200, ["de", "en"])


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/nothing"), ("DELETE", "/v1/customers/cus_x")])
def test_what_the_till_does_not_know_is_404(till: RunningTill, method: str, path: str) -> None:
    status, body, _ = ask(till, path, method=method)
    assert status == 404
    assert "Unrecognized request URL" in body["error"]["message"]


def test_what_is_not_there_is_resource_missing(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.retrieve("cs_test_none")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_bodies_that_are_too_big_or_without_length_are_refused(till: RunningTill) -> None:
    status, _, _ = ask(till, "/v1/customers", "email=" + "a" * 1024 * 1024)
    assert status == 413
    with socket.create_connection(("127.0.0.1", till.port), 10) as connection:
        connection.sendall(
            b"POST /v1/customers HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        assert connection.makefile("rb").readline().split()[1] == b"411"


# --- Customers --------------------------------------------------------------------------------------


def test_customer_is_updated(till: RunningTill, client: stripe.StripeClient) -> None:
    made = customer(client, metadata={"organization": "7", "old": "1"})
    till.use_card(made.id, "works")
    (method,) = client.v1.payment_methods.list({"customer": made.id, "type": "card"}).data
    after = client.v1.customers.update(
        made.id,
        {
            "email": "billing@studio.example",
            "address": {"country": "FR", "city": "Paris"},
            "metadata": {"old": "", "new": "2"},
            "invoice_settings": {"default_payment_method": method.id},
        },
    )
    assert after.metadata
    assert after.metadata.to_dict() == {"organization": "7", "new": "2"}
    assert after.address is not None
    assert (after.email, after.address.country) == ("billing@studio.example", "FR")
    assert after.invoice_settings is not None
    assert after.invoice_settings.default_payment_method == method.id
    emptied = client.v1.customers.update(made.id, {"metadata": "", "address": ""}).metadata
    assert emptied is not None
    assert emptied.to_dict() == {}
    client.v1.payment_methods.detach(method.id)
    settings = client.v1.customers.retrieve(made.id).invoice_settings
    assert settings is not None
    assert settings.default_payment_method is None
    with pytest.raises(stripe.InvalidRequestError, match="not attached"):
        client.v1.payment_methods.detach(method.id)
    with pytest.raises(stripe.InvalidRequestError, match="no payment method yet"):
        customer(client, invoice_settings={"default_payment_method": method.id})
    with pytest.raises(stripe.InvalidRequestError, match="customer"):
        client.v1.payment_methods.list()


# --- Once -------------------------------------------------------------------------------------------


def test_same_key_is_answered_from_memory(till: RunningTill, client: stripe.StripeClient) -> None:
    before = len(client.v1.customers.list({"limit": 100}).data)
    made = [
        client.v1.customers.create({"email": "a@b.example"}, {"idempotency_key": "customer:1"})
        for _ in range(3)
    ]
    assert len({buyer.id for buyer in made}) == 1
    assert len(client.v1.customers.list({"limit": 100}).data) == before + 1
    headers = [buyer.last_response.headers for buyer in made if buyer.last_response]
    assert [answer.get("Idempotent-Replayed") for answer in headers] == [None, "true", "true"]
    assert headers[1]["Original-Request"] == headers[0]["Request-Id"]
    assert [entry["idempotency_key"] for entry in till.log()][-4:-1] == ["customer:1"] * 3


def test_same_key_for_something_else_is_refused(client: stripe.StripeClient) -> None:
    client.v1.customers.create({"email": "a@b.example"}, {"idempotency_key": "customer:2"})
    with pytest.raises(stripe.IdempotencyError) as refused:
        client.v1.customers.create({"email": "other@b.example"}, {"idempotency_key": "customer:2"})
    assert refused.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError, match="255"):
        client.v1.customers.create({}, {"idempotency_key": "k" * 256})


def test_key_is_forgotten_after_a_day(till: RunningTill, client: stripe.StripeClient) -> None:
    first = client.v1.customers.create({}, {"idempotency_key": "customer:3"})
    till.advance(24 * 3600 + 1)
    assert client.v1.customers.create({}, {"idempotency_key": "customer:3"}).id != first.id


def test_refused_parameters_do_not_use_up_a_key(client: stripe.StripeClient) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "intent:1"}
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create({"amount": 0, "currency": "usd"}, options)
    assert client.v1.payment_intents.create({"amount": 100, "currency": "usd"}, options).amount == 100


def test_what_went_wrong_goes_wrong_again(till: RunningTill, client: stripe.StripeClient) -> None:
    intent = paid(client, till)
    till.refund(intent)
    options: stripe.RequestOptions = {"idempotency_key": "refund:1"}
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.refunds.create({"payment_intent": intent}, options)
        assert refused.value.code == "charge_already_refunded"


def test_key_in_flight_is_409(till: RunningTill, client: stripe.StripeClient) -> None:
    till.behave(slow_s=30)
    before = len(till.log())
    first = threading.Thread(target=lambda: client.v1.customers.create({}, {"idempotency_key": "customer:4"}))
    first.start()
    wait_until(lambda: len(till.log()) > before, "the first request to be there")
    time.sleep(0.05)  # it was logged a moment before it holds its key
    status, body, _ = ask(till, "/v1/customers", "", Idempotency_Key="customer:4")
    till.behave(reset=True)
    first.join()
    assert (status, body["error"]["code"]) == (409, "idempotency_key_in_use")


def test_lost_answer_is_found_again_by_its_key(till: RunningTill) -> None:
    till.behave(lose_answers=1)
    client = till.client(max_network_retries=2)
    made = client.v1.customers.create({"email": "lost@studio.example"}, {"idempotency_key": "customer:5"})
    assert [entry["status"] for entry in till.log() if entry["idempotency_key"] == "customer:5"] == [
        None,
        200,
    ]
    found = client.v1.customers.list({"email": "lost@studio.example"})
    assert [buyer.id for buyer in found.data] == [made.id]


# --- Lists and expansion ----------------------------------------------------------------------------


def test_lists_have_cursors(client: stripe.StripeClient, till: RunningTill) -> None:
    made = [customer(client, email="many@studio.example").id for _ in range(7)]
    newest_first = made[::-1]
    params: Any = {"email": "many@studio.example", "limit": 3}
    first = client.v1.customers.list(params)
    assert (first.has_more, first.url) == (True, "/v1/customers")
    assert [buyer.id for buyer in first.auto_paging_iter()] == newest_first
    last = client.v1.customers.list(params | {"starting_after": newest_first[5]})
    assert ([buyer.id for buyer in last.data], last.has_more) == (newest_first[6:], False)
    back = client.v1.customers.list(params | {"ending_before": newest_first[5]})
    assert ([buyer.id for buyer in back.data], back.has_more) == (newest_first[2:5], True)
    front = client.v1.customers.list(params | {"ending_before": newest_first[2]})
    assert ([buyer.id for buyer in front.data], front.has_more) == (newest_first[:2], False)


def test_events_are_filtered(till: RunningTill, client: stripe.StripeClient) -> None:
    customer(client)
    till.advance(1000)
    before = till.advance(0)
    made = checkout(client)
    till.pay(made.id)
    wanted = ["checkout.session.completed", "charge.succeeded"]
    found = client.v1.events.list({"types": wanted, "created": {"gte": before}})
    assert [event.type for event in found.data] == wanted
    assert client.v1.events.list({"type": "charge.failed", "created": {"gte": before}}).data == []
    assert client.v1.events.list({"created": {"lt": before}, "limit": 1}).data[0].created < before
    assert client.v1.events.list({"delivery_success": False}).data == []
    event = client.v1.events.retrieve(found.data[0].id)
    assert event.data.object["id"] == made.id
    assert (event.api_version, event.pending_webhooks) == (VERSION, 0)
    (same_second,) = client.v1.events.list({"created": event.created, "type": wanted[0]}).data
    assert same_second.id == event.id


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 101},
        {"starting_after": "evt_none"},
        {"ending_before": "evt_none"},
        {"starting_after": "evt_none", "ending_before": "evt_none"},
    ],
)
def test_wrong_cursors_are_refused(client: stripe.StripeClient, params: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.events.list(params)


def test_line_items_have_cursors_too(client: stripe.StripeClient) -> None:
    made = checkout(client, line_items=[price(100 * n) for n in (1, 2, 3, 4)])
    items = client.v1.checkout.sessions.line_items.list(made.id)
    ids = [item.id for item in items.data]
    after = client.v1.checkout.sessions.line_items.list(made.id, {"starting_after": ids[1], "limit": 1})
    assert ([item.id for item in after.data], after.has_more) == (ids[2:3], True)
    before = client.v1.checkout.sessions.line_items.list(made.id, {"ending_before": ids[2]})
    assert [item.id for item in before.data] == ids[:2]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.line_items.list(made.id, {"starting_after": "li_none"})


def test_expansion_reaches_into_lists(till: RunningTill, client: stripe.StripeClient) -> None:
    buyer = customer(client)
    till.pay(checkout(client, customer=buyer.id).id)
    (found,) = client.v1.checkout.sessions.list(
        {
            "customer": buyer.id,
            "expand": ["data.payment_intent.latest_charge", "data.line_items", "data.invoice"],
        }
    ).data
    assert isinstance(found.payment_intent, stripe.PaymentIntent)
    assert isinstance(found.payment_intent.latest_charge, stripe.Charge)
    assert found.line_items is not None
    assert (found.line_items.data[0].description, found.invoice) == ("600 credits", None)


@pytest.mark.parametrize("path", ["amount", "nothing", "email", "a.b.c.d.e", "metadata.x"])
def test_what_cannot_be_expanded_is_refused(client: stripe.StripeClient, path: str) -> None:
    buyer = customer(client)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.customers.retrieve(buyer.id, {"expand": [path]})
    assert refused.value.param == "expand"


# --- Misbehaviour -----------------------------------------------------------------------------------


def test_down(till: RunningTill, client: stripe.StripeClient) -> None:
    till.behave(down=True)
    with pytest.raises(stripe.APIError) as refused:
        client.v1.customers.create({"email": "down@studio.example"})
    assert refused.value.http_status == 500
    till.behave(down=False)
    assert client.v1.customers.list({"email": "down@studio.example"}).data == []


def test_rate_limited(till: RunningTill, client: stripe.StripeClient) -> None:
    customer(client)
    till.behave(rate_limited=1)
    with pytest.raises(stripe.RateLimitError):
        client.v1.events.list()
    assert client.v1.events.list({"limit": 1}).data


def test_frozen_never_answers(till: RunningTill) -> None:
    till.behave(frozen=True)
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        urllib.request.urlopen(f"{till.base_url}/v1/events", timeout=0.2)
    assert time.monotonic() - begun < 10
    assert till.log()[-1]["status"] is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("behave", '{"mood": "bad"}'),
        ("behave", '{"down": "yes"}'),
        ("behave", '{"webhooks": "twice"}'),
        ("pay", '{"session": "cs"}'),
        ("pay", '{"session_id": "cs", "card": "gold"}'),
        ("pay", "[]"),
        ("pay", "{"),
        ("steal", "{}"),
    ],
)
def test_control_refuses_what_it_does_not_know(till: RunningTill, path: str, body: str) -> None:
    status, answer, _ = ask(till, f"/control/{path}", body)
    assert status in (400, 404)
    assert answer["error"]["message"]


def test_it_forgets_everything_but_its_codes(till: RunningTill, client: stripe.StripeClient) -> None:
    now = till.advance(0)
    till.advance(86_400)
    options: stripe.RequestOptions = {"idempotency_key": "customer:forgotten"}
    first = client.v1.customers.create({"email": "a@b.example"}, options)
    paid(client, till)
    till.forget()
    assert (till.log(), till.events()) == ([], [])
    assert client.v1.checkout.sessions.list().data == client.v1.customers.list().data == []
    assert 0 <= till.advance(0) - now < 3600
    assert client.v1.customers.create({"email": "other@b.example"}, options).id != first.id
    made = checkout(client, allow_promotion_codes=True)
    assert till.pay(made.id, promotion_code="FREE")["amount_total"] == 0


def test_control_refuses_what_is_not_there(till: RunningTill) -> None:
    with pytest.raises(TillError, match="No such session"):
        till.pay("cs_test_none")
