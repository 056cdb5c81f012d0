"""`/api/v1/webhook-endpoints` and `/api/v1/webhook-deliveries`: plain resources for programs that may manage."""

from typing import Any, cast

import pytest
from django.db.models import F
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.models import AuditEvent
from tests.accounts.client import content, error_of, field_of, send
from tests.cast import Person, new_key
from tests.webhooks.customers.telling import an_event, send_due
from tests.webhooks.receiver import Receiver, Reply
from tests.webhooks.test_spellings import NETWORKS, NUMBERS
from webhooks import service
from webhooks.models import WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.django_db

ENDPOINTS, DELIVERIES = "/api/v1/webhook-endpoints", "/api/v1/webhook-deliveries"
ADMIN = ["admin"]


@pytest.fixture
def manager(alice: Person) -> str:
    return new_key(alice, scopes=ADMIN)[1]


def ask(method: str, path: str, key: str, body: Any = b"", query: str = "") -> dict[str, Any]:
    answer = send(method, path, key=key, body=body, QUERY_STRING=query)
    assert answer.status_code == 200, answer.content
    return content(answer)


def made(manager: str, receiver: Receiver, *events: str) -> dict[str, Any]:
    body = {"url": receiver.url, "events": list(events) or ["credits.added"]}
    endpoint = ask("POST", ENDPOINTS, manager, body)
    receiver.secrets.append(endpoint["secret"])
    return endpoint


def refused(
    manager: str, body: Any, method: str = "POST", path: str = ENDPOINTS, query: str = ""
) -> tuple[str, str | None]:
    return field_of(send(method, path, key=manager, body=body, QUERY_STRING=query))


def test_endpoint_has_the_agreed_shape_and_its_secret_once(manager: str, receiver: Receiver) -> None:
    endpoint = made(manager, receiver, "generation.failed", "generation.succeeded", "generation.failed")
    assert endpoint.pop("secret").startswith("whsec_")
    assert endpoint == {
        "id": endpoint["id"],
        "object": "endpoint",
        "livemode": True,
        "url": receiver.url,
        "events": ["generation.succeeded", "generation.failed"],
        "enabled": True,
        "disabled_reason": None,
        "failing_since": None,
        "created_at": endpoint["created_at"],
    }
    assert ask("GET", f"{ENDPOINTS}/{endpoint['id']}", manager) == endpoint
    assert ask("GET", ENDPOINTS, manager) == {"object": "list", "data": [endpoint], "next_cursor": None}


def test_change_rotate_test_and_delete(manager: str, receiver: Receiver) -> None:
    path = f"{ENDPOINTS}/{made(manager, receiver)['id']}"
    changed = ask("PATCH", path, manager, {"events": ["credits.low"], "enabled": False})
    assert (changed["events"], changed["enabled"], changed["disabled_reason"]) == (
        ["credits.low"],
        False,
        "by_hand",
    )
    assert error_of(send("POST", f"{path}/test", key=manager, body={}), 409)["type"] == "endpoint_disabled"
    assert ask("PATCH", path, manager, {"enabled": True})["disabled_reason"] is None
    receiver.secrets = [ask("POST", f"{path}/rotate", manager, {})["secret"]]
    tested = ask("POST", f"{path}/test", manager, {})
    assert (tested["event"], tested["status"], tested["attempt"]) == ("webhook.test", "pending", 0)
    send_due()
    assert receiver.types == ["webhook.test"]
    assert ask("DELETE", path, manager)["deleted"] is True
    assert error_of(send("GET", path, key=manager), 404)
    assert error_of(send("DELETE", path, key=manager), 404)
    assert [row["endpoint"] for row in ask("GET", DELIVERIES, manager)["data"]] == [tested["endpoint"]]
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.url, endpoint.sealed_secret, endpoint.sealed_old_secret) == ("", "", "")
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert [action for action in actions if action.startswith("webhook")] == [
        *(
            "webhook_created",
            "webhook_changed",
            "webhook_changed",
            "webhook_secret_rotated",
            "webhook_deleted",
        )
    ]


def test_bodies_that_are_refused(manager: str, receiver: Receiver) -> None:
    good = {"url": receiver.url, "events": ["credits.added"]}
    path = f"{ENDPOINTS}/{made(manager, receiver)['id']}"
    assert refused(manager, {"url": receiver.url}) == ("missing_field", "events")
    assert refused(manager, {"events": ["credits.added"]}) == ("missing_field", "url")
    assert refused(manager, good | {"livemode": True}) == ("invalid_field", "livemode")
    for events in ([], "credits.added", [1], ["generation.*"], ["webhook.test"]):
        assert refused(manager, good | {"events": events}) == ("invalid_field", "events")
    for url in (7, "", "hooks", receiver.url + "/" + "x" * 2048, "http://u:p@127.0.0.1/", "ftp://127.0.0.1/"):
        assert refused(manager, good | {"url": url}) == ("invalid_field", "url")
    assert refused(manager, {"enabled": "yes"}, "PATCH", path) == ("invalid_field", "enabled")
    assert refused(manager, {"secret": "x"}, "PATCH", path) == ("invalid_field", "secret")
    assert refused(manager, {"x": 1}, path=f"{path}/rotate") == ("invalid_field", "x")
    assert refused(manager, {"since": "yesterday"}, path=f"{DELIVERIES}/replay-failed") == (
        "invalid_field",
        "since",
    )
    assert refused(manager, {}, path=f"{DELIVERIES}/replay-failed") == ("missing_field", "since")
    for query in ("status=lost", "event=x", "endpoint=we_1", "limit=0", "cursor=msg_1", "cursor=%00"):
        field = query.partition("=")[0]
        assert refused(manager, b"", "GET", DELIVERIES, query) == ("invalid_field", field), query


def test_parameter_that_there_is_not_is_refused(manager: str, receiver: Receiver) -> None:
    path = f"{ENDPOINTS}/{made(manager, receiver)['id']}"
    for method, where, query in (
        ("GET", ENDPOINTS, "state=on"),
        ("GET", path, "limit=1"),
        ("GET", DELIVERIES, "states=failed"),
        ("DELETE", path, "x=1"),
        ("POST", f"{path}/test", "x=1"),
    ):
        field = query.partition("=")[0]
        assert refused(manager, b"", method, where, query) == ("invalid_field", field), (where, query)
    assert refused(manager, b"", "GET", DELIVERIES, "status=failed&status=pending") == (
        "invalid_field",
        "status",
    )


def test_what_needs_no_body_is_done_without_one(manager: str, receiver: Receiver) -> None:
    path = f"{ENDPOINTS}/{made(manager, receiver)['id']}"
    assert ask("POST", f"{path}/rotate", manager)["secret"].startswith("whsec_")
    delivery = ask("POST", f"{path}/test", manager)
    assert ask("POST", f"{DELIVERIES}/{delivery['id']}/replay", manager)["status"] == "pending"


@pytest.mark.parametrize("livemode", [True, False])
def test_no_address_inside_is_kept_in_any_spelling(alice: Person, settings: Settings, livemode: bool) -> None:
    settings.OUTBOUND_LOOPBACK = False
    secret = new_key(alice, scopes=ADMIN, livemode=livemode)[1]
    hosts = [*NUMBERS, *NETWORKS, "localhost"] if livemode else ["127.1", "169.254.169.254"]
    urls = [f"{scheme}://{host}/hooks" for host in hosts for scheme in ("https", "http")]
    settings.RATE_LIMIT_READ_BURST = len(urls) + 10
    client = Client(headers={"Authorization": f"Bearer {secret}"})  # one: to make it takes longer than to ask
    for url in [*urls, "http://93.184.216.34/"]:
        body = {"url": url, "events": ["credits.added"]}
        error = error_of(cast(HttpResponse, client.post(ENDPOINTS, body, "application/json")), 400)
        assert (error["type"], error["param"]) == ("invalid_field", "url"), url
    assert not WebhookEndpoint.objects.exists()


def test_cursor_outlives_what_it_names(manager: str, alice: Person, receiver: Receiver) -> None:
    endpoints = [made(manager, receiver) for _each in range(3)]
    first = ask("GET", ENDPOINTS, manager, query="limit=1")
    ask("DELETE", f"{ENDPOINTS}/{first['next_cursor']}", manager)
    second = ask("GET", ENDPOINTS, manager, query=f"limit=1&cursor={first['next_cursor']}")
    assert [row["id"] for row in second["data"]] == [endpoints[1]["id"]]
    for number in (1, 2):
        an_event(alice.organization, number)
    pending = ask("GET", DELIVERIES, manager, query="status=pending&limit=1")
    WebhookDelivery.objects.filter(public_id=pending["next_cursor"]).update(
        status="succeeded", next_attempt_at=None, finished_at=F("created_at")
    )
    more = ask("GET", DELIVERIES, manager, query=f"status=pending&cursor={pending['next_cursor']}")
    assert [row["sequence"] for row in more["data"]] == [2, 1, 1]


def test_deliveries_are_listed_filtered_read_and_replayed(
    manager: str, alice: Person, receiver: Receiver
) -> None:
    endpoint = made(manager, receiver)
    receiver.answer = lambda _: Reply(410, b"no more")
    an_event(alice.organization, 1)
    send_due()
    ask("PATCH", f"{ENDPOINTS}/{endpoint['id']}", manager, {"enabled": True})
    receiver.answer = lambda _: Reply()
    for number in (2, 3):
        an_event(alice.organization, number)
    send_due()
    first = ask("GET", DELIVERIES, manager, query="limit=2")
    second = ask("GET", DELIVERIES, manager, query=f"limit=2&cursor={first['next_cursor']}")
    assert ([row["sequence"] for row in first["data"]], second["next_cursor"]) == ([3, 2], None)
    [failed] = ask(
        "GET", DELIVERIES, manager, query=f"status=failed&endpoint={endpoint['id']}&event=credits.added"
    )["data"]
    assert failed == second["data"][0]
    assert failed == {
        "id": failed["id"],
        "object": "delivery",
        "livemode": True,
        "endpoint": endpoint["id"],
        "url": None,
        "event": "credits.added",
        "sequence": 1,
        "attempt": 1,
        "status": "failed",
        "response_status": 410,
        "next_attempt_at": None,
        "created_at": failed["created_at"],
    }
    read = ask("GET", f"{DELIVERIES}/{failed['id']}", manager)
    assert [(one["number"], one["response_status"], one["answer"]) for one in read["attempts"]] == [
        (1, 410, "no more")
    ]
    assert read["body"].encode() == receiver.received[0].raw
    body = {"since": failed["created_at"], "endpoint": endpoint["id"]}
    assert ask("POST", f"{DELIVERIES}/replay-failed", manager, body) == {"replayed": 1}
    assert ask("POST", f"{DELIVERIES}/{failed['id']}/replay", manager, {})["status"] == "pending"
    send_due()
    assert [one.event["sequence"] for one in receiver.received] == [1, 2, 3, 1]
    assert ask("POST", f"{DELIVERIES}/replay-failed", manager, {"since": "2099-01-01T00:00:00Z"}) == {
        "replayed": 0
    }


def test_keys_see_their_own_mode_and_organization_alone(
    manager: str, alice: Person, charlie: Person, receiver: Receiver
) -> None:
    live = made(manager, receiver)
    test_key = new_key(alice, scopes=ADMIN, livemode=False)[1]
    test = made(test_key, receiver, "generation.failed")
    assert test["livemode"] is False
    ask("POST", f"{ENDPOINTS}/{test['id']}/test", test_key, {})
    delivery = WebhookDelivery.objects.get().public_id
    for key, theirs in ((manager, test["id"]), (test_key, live["id"])):
        assert theirs not in {one["id"] for one in ask("GET", ENDPOINTS, key)["data"]}
        assert error_of(send("GET", f"{ENDPOINTS}/{theirs}", key=key), 404)
    stranger = new_key(charlie, scopes=ADMIN, livemode=False)[1]
    for key in (manager, stranger):
        assert error_of(send("GET", f"{DELIVERIES}/{delivery}", key=key), 404)
        assert error_of(send("POST", f"{DELIVERIES}/{delivery}/replay", key=key, body={}), 404)
        assert ask("GET", DELIVERIES, key)["data"] == []


def test_only_keys_that_may_manage_get_in(alice: Person) -> None:
    plain = new_key(alice, scopes=["generate", "read"])[1]
    for path in (ENDPOINTS, DELIVERIES):
        assert error_of(send("GET", path, key=plain), 403)["type"] == "insufficient_scope"
        assert error_of(send("GET", path), 401)
        assert error_of(send("PUT", path, key=plain), 405)


def test_no_more_endpoints_than_may_be(
    manager: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_ENDPOINTS", 1)
    made(manager, receiver)
    body = {"url": receiver.url, "events": ["credits.added"]}
    assert error_of(send("POST", ENDPOINTS, key=manager, body=body), 409)["type"] == "too_many_endpoints"
