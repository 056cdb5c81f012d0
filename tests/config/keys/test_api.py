"""`/api/v1/keys`: plain resources for programs with a key that may manage."""

import datetime
from typing import Any

import pytest

from accounts import keys
from accounts.api_keys import freeze_api_key
from accounts.clock import db_now
from accounts.models import ApiKey, AuditEvent
from accounts.organizations import suspend
from billing import ledger
from billing.models import KeyUsage
from tests.accounts.client import content, data_of, error_of, field_of, generate, send, word_of
from tests.cast import Person, new_key
from tests.config.keys.steps import KEYS, ask, events

ALL = ["generate", "read", "admin"]
CI: dict[str, Any] = {"name": "ci", "scopes": ["generate", "read"]}
TYPES: dict[str, Any] = {
    "id": str,
    "object": str,
    "livemode": bool,
    "prefix": str,
    "name": str,
    "scopes": list,
    "expires_at": (str, type(None)),
    "allowed_addresses": list,
    "rate_per_minute": int,
    "burst": int,
    "max_open_tasks": int,
    "spend_caps": dict,
    "spent": dict,
    "last_used_at": (str, type(None)),
    "last_used_address": (str, type(None)),
    "created_at": str,
    "revoked_at": (str, type(None)),
    "frozen_at": (str, type(None)),
    "frozen_reason": (str, type(None)),
    "replaced_by": (str, type(None)),
}


@pytest.fixture
def manager(alice: Person) -> str:
    return new_key(alice, scopes=ALL)[1]


def made(manager: str, **fields: Any) -> dict[str, Any]:
    return ask("POST", KEYS, manager, CI | fields)


def refused(manager: str, body: Any, method: str = "POST", path: str = KEYS) -> tuple[str, str | None]:
    return field_of(send(method, path, key=manager, body=body))


def test_new_key_has_the_agreed_shape_and_its_secret_once(alice: Person, manager: str) -> None:
    key = made(manager)
    secret = key.pop("secret")
    assert set(key) == set(TYPES)
    for name, kind in TYPES.items():
        assert isinstance(key[name], kind), name
    assert key["spend_caps"] == {"day": None, "month": None, "lifetime": None}
    assert key["spent"] == {"day": 0, "month": 0, "lifetime": 0}
    assert (key["rate_per_minute"], key["burst"], key["max_open_tasks"]) == (60, 20, 20)
    assert (key["prefix"], key["livemode"]) == (secret[: keys.SHOWN_LENGTH], True)
    data_of(generate(secret))
    read = ask("GET", f"{KEYS}/{key['id']}", manager)
    assert set(read) == set(TYPES)
    assert read["spent"] == {"day": 15, "month": 15, "lifetime": 15}
    assert AuditEvent.objects.get().actor.startswith("key:")


def test_all_fields_are_taken(manager: str) -> None:
    fields = {
        "livemode": False,
        "expires_at": "2999-01-31T13:00:00+01:00",
        "allowed_addresses": ["203.0.113.7/24", "2001:DB8::1"],
        "rate_per_minute": 30,
        "burst": 5,
        "max_open_tasks": 2,
        "spend_caps": {"day": 100, "lifetime": 5000},
    }
    key = made(manager, **fields)
    assert key["prefix"].startswith("tt_test_")
    assert key["expires_at"] == "2999-01-31T12:00:00Z"
    assert key["allowed_addresses"] == ["203.0.113.0/24", "2001:db8::1"]
    assert (key["rate_per_minute"], key["burst"], key["max_open_tasks"]) == (30, 5, 2)
    assert key["spend_caps"] == {"day": 100, "month": None, "lifetime": 5000}


@pytest.mark.parametrize(
    ("body", "word", "param"),
    [
        ({"scopes": ["read"]}, "missing_field", "name"),
        ({"name": "ci"}, "missing_field", "scopes"),
        (CI | {"name": ""}, "invalid_field", "name"),
        (CI | {"name": 5}, "invalid_field", "name"),
        (CI | {"name": "a\x00b"}, "invalid_field", "name"),
        (CI | {"name": "\ud800"}, "invalid_field", "name"),
        (CI | {"scopes": []}, "invalid_field", "scopes"),
        (CI | {"scopes": "read"}, "invalid_field", "scopes"),
        (CI | {"scopes": ["root"]}, "invalid_field", "scopes"),
        (CI | {"scopes": [["read"]]}, "invalid_field", "scopes"),
        (CI | {"livemode": "yes"}, "invalid_field", "livemode"),
        (CI | {"expires_at": "2999-01-31T12:00:00"}, "invalid_field", "expires_at"),
        (CI | {"expires_at": "2020-01-31T12:00:00Z"}, "invalid_field", "expires_at"),
        (CI | {"expires_at": "0001-01-01T00:00:00+14:00"}, "invalid_field", "expires_at"),
        (CI | {"expires_at": "9999-12-31T23:59:59-14:00"}, "invalid_field", "expires_at"),
        (CI | {"expires_at": 4_102_444_800}, "invalid_field", "expires_at"),
        (CI | {"allowed_addresses": "10.0.0.1"}, "invalid_field", "allowed_addresses"),
        (CI | {"allowed_addresses": ["home"]}, "invalid_field", "allowed_addresses"),
        (CI | {"allowed_addresses": [1]}, "invalid_field", "allowed_addresses"),
        (CI | {"allowed_addresses": ["\ud800"]}, "invalid_field", "allowed_addresses"),
        (CI | {"rate_per_minute": True}, "invalid_field", "rate_per_minute"),
        (CI | {"rate_per_minute": 0}, "invalid_field", "rate_per_minute"),
        (CI | {"burst": "5"}, "invalid_field", "burst"),
        (CI | {"max_open_tasks": 1.5}, "invalid_field", "max_open_tasks"),
        (CI | {"spend_caps": {"day": 0}}, "invalid_field", "spend_caps.day"),
        (CI | {"spend_caps": {"month": 10**30}}, "invalid_field", "spend_caps.month"),
        (CI | {"spend_caps": {"year": 5}}, "invalid_field", "spend_caps.year"),
        (CI | {"spend_caps": 5}, "invalid_field", "spend_caps"),
        (CI | {"color": "red"}, "invalid_field", "color"),
        (CI | {"secret": "tt_live_x"}, "invalid_field", "secret"),
        (CI | {"\ud800": 1}, "invalid_field", None),
    ],
)
def test_bad_fields_are_named(manager: str, body: dict[str, Any], word: str, param: str | None) -> None:
    assert refused(manager, body) == (word, param)
    assert ApiKey.objects.count() == 1


def test_change_takes_what_is_named_and_leaves_the_rest(alice: Person, manager: str) -> None:
    path = f"{KEYS}/{made(manager, burst=5, spend_caps={'day': 100, 'month': 500})['id']}"
    key = ask("PATCH", path, manager, {"name": "nightly", "spend_caps": {"day": None, "lifetime": 900}})
    assert (key["name"], key["burst"]) == ("nightly", 5)
    assert key["spend_caps"] == {"day": None, "month": 500, "lifetime": 900}
    key = ask("PATCH", path, manager, {"burst": None, "spend_caps": None})
    assert (key["burst"], key["spend_caps"]) == (20, {"day": None, "month": None, "lifetime": None})
    assert ask("PATCH", path, manager, {}) == key
    assert len(events()) == 3
    assert refused(manager, {"livemode": False}, "PATCH", path) == ("invalid_field", "livemode")
    assert refused(manager, {"name": None}, "PATCH", path) == ("invalid_field", "name")
    assert refused(manager, {"scopes": None}, "PATCH", path) == ("invalid_field", "scopes")


def test_rotation_answers_with_the_new_key(manager: str) -> None:
    old = made(manager, spend_caps={"lifetime": 30})
    data_of(generate(old["secret"]))
    new = ask("POST", f"{KEYS}/{old['id']}/rotate", manager, {"overlap_seconds": 3600})
    assert set(new) == {*TYPES, "secret"}
    assert (new["spend_caps"]["lifetime"], new["spent"]["lifetime"]) == (30, 15)
    again = ask("GET", f"{KEYS}/{old['id']}", manager)
    assert (again["replaced_by"], again["expires_at"] is None) == (new["id"], False)
    data_of(generate(new["secret"]))
    assert word_of(generate(old["secret"])) == (402, "spend_cap_reached")
    assert word_of(send("POST", f"{KEYS}/{old['id']}/rotate", key=manager, body={})) == (409, "already_ended")


@pytest.mark.parametrize("seconds", [-1, 604_801, "60", 1.5, True])
def test_no_other_overlap_is_taken(manager: str, seconds: object) -> None:
    path = f"{KEYS}/{made(manager)['id']}/rotate"
    body = {"overlap_seconds": seconds}
    assert refused(manager, body, path=path) == ("invalid_field", "overlap_seconds")
    assert refused(manager, {"overlap": 5}, path=path) == ("invalid_field", "overlap")


def test_usual_overlap_is_a_day(manager: str) -> None:
    key = made(manager)
    ask("POST", f"{KEYS}/{key['id']}/rotate", manager, {})
    row = ApiKey.objects.get(public_id=key["id"])
    assert row.expires_at is not None
    assert datetime.timedelta(hours=23) < row.expires_at - row.created_at < datetime.timedelta(hours=25)


def test_revoked_key_stays_in_the_list(manager: str) -> None:
    key = made(manager)
    assert ask("DELETE", f"{KEYS}/{key['id']}", manager)["revoked_at"] is not None
    assert generate(key["secret"]).status_code == 401
    assert ask("GET", KEYS, manager)["data"][0]["id"] == key["id"]
    assert word_of(send("DELETE", f"{KEYS}/{key['id']}", key=manager)) == (409, "already_ended")
    assert word_of(send("PATCH", f"{KEYS}/{key['id']}", key=manager, body={})) == (409, "already_ended")


def test_expired_key_is_not_brought_back(manager: str) -> None:
    path = f"{KEYS}/{made(manager)['id']}"
    ApiKey.objects.filter(public_id=path.rpartition("/")[2]).update(expires_at=db_now())
    for body in ({"expires_at": None}, {"expires_at": "2999-01-01T00:00:00Z"}, {"name": "back"}):
        assert word_of(send("PATCH", path, key=manager, body=body)) == (409, "already_ended")
    assert word_of(send("POST", f"{path}/rotate", key=manager, body={})) == (409, "already_ended")


def test_frozen_key_is_replaced_and_not_changed(manager: str) -> None:
    key = made(manager)
    freeze_api_key(ApiKey.objects.get(public_id=key["id"]), "leaked")
    shown = ask("GET", f"{KEYS}/{key['id']}", manager)
    assert (shown["frozen_at"] is None, shown["frozen_reason"]) == (False, "leaked")
    assert word_of(send("PATCH", f"{KEYS}/{key['id']}", key=manager, body={})) == (409, "key_frozen")
    data_of(generate(ask("POST", f"{KEYS}/{key['id']}/rotate", manager, {})["secret"]))


def test_list_is_read_page_by_page(manager: str) -> None:
    ids = [made(manager)["id"] for _ in range(4)]
    first = ask("GET", f"{KEYS}?limit=3", manager)
    assert (set(first), first["object"]) == ({"object", "data", "next_cursor"}, "list")
    assert [key["id"] for key in first["data"]] == ids[:0:-1]
    second = ask("GET", f"{KEYS}?limit=3&cursor={first['next_cursor']}", manager)
    assert [key["id"] for key in second["data"]][:1] == ids[:1]
    assert (len(second["data"]), second["next_cursor"]) == (2, None)
    assert all("secret" not in key for key in first["data"])


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=", "cursor=x", "cursor=%00", "page=2"]
)
def test_bad_questions_for_the_list_are_refused(manager: str, query: str) -> None:
    assert refused(manager, b"", "GET", f"{KEYS}?{query}") == ("invalid_field", query.partition("=")[0])


def test_parameters_that_there_are_not_are_refused_where_nothing_is_listed_too(manager: str) -> None:
    key = made(manager)["id"]
    for method, path in (("POST", KEYS), ("GET", f"{KEYS}/{key}"), ("DELETE", f"{KEYS}/{key}")):
        assert refused(manager, CI, method, f"{path}?limit=3") == ("invalid_field", "limit")
    assert refused(manager, b"", "POST", f"{KEYS}/{key}/rotate?overlap_seconds=5")[1] == "overlap_seconds"


def test_rotation_needs_no_body(manager: str) -> None:
    response = send("POST", f"{KEYS}/{made(manager)['id']}/rotate", key=manager, content_type=None)
    assert content(response)["secret"]


def test_key_never_makes_one_that_may_more_than_itself(alice: Person) -> None:
    manager = new_key(alice, scopes=["read", "admin"])[1]
    assert made(manager, scopes=["read", "admin"])["scopes"] == ["read", "admin"]
    for scopes in (["generate"], ["generate", "read"]):
        response = send("POST", KEYS, key=manager, body=CI | {"scopes": scopes})
        error = error_of(response, 403)
        assert (error["type"], error["param"]) == ("insufficient_scope", "scopes")
    other = new_key(alice)[0]
    path = f"{KEYS}/{other.public_id}"
    assert word_of(send("POST", f"{path}/rotate", key=manager, body={})) == (403, "insufficient_scope")
    reader = made(manager, scopes=["read"])
    changed = {"scopes": ["generate", "read"]}
    assert word_of(send("PATCH", f"{KEYS}/{reader['id']}", key=manager, body=changed))[0] == 403
    # Limits are its to set, and it may stop any.
    assert ask("PATCH", path, manager, {"spend_caps": {"day": 5}})["spend_caps"]["day"] == 5
    assert ask("DELETE", path, manager)["revoked_at"]


@pytest.mark.parametrize("scopes", [["generate", "read"], ["read"]])
def test_keys_that_may_not_manage_are_refused(alice: Person, scopes: list[str]) -> None:
    key, secret = new_key(alice, scopes=scopes)
    for method, path in (
        ("GET", KEYS),
        ("POST", KEYS),
        ("GET", f"{KEYS}/{key.public_id}"),
        ("PATCH", f"{KEYS}/{key.public_id}"),
        ("DELETE", f"{KEYS}/{key.public_id}"),
        ("POST", f"{KEYS}/{key.public_id}/rotate"),
    ):
        response = send(method, path, key=secret, body=CI)
        assert word_of(response) == (403, "insufficient_scope")
        assert content(response)["message"] == "This key lacks the scope admin"
    assert word_of(send("GET", KEYS)) == (401, "unauthenticated")


def test_test_key_sees_and_makes_test_keys_alone(alice: Person) -> None:
    live, _secret = new_key(alice)
    own, manager = new_key(alice, livemode=False, scopes=ALL)
    assert made(manager)["livemode"] is False
    assert made(manager, livemode=None)["livemode"] is False
    response = send("POST", KEYS, key=manager, body=CI | {"livemode": True})
    assert error_of(response, 403)["param"] == "livemode"
    assert {key["livemode"] for key in ask("GET", KEYS, manager)["data"]} == {False}
    assert send("DELETE", f"{KEYS}/{live.public_id}", key=manager).status_code == 404
    assert ask("GET", f"{KEYS}/{own.public_id}", manager)["id"] == own.public_id


def test_limits_shown_are_those_in_force(alice: Person, manager: str) -> None:
    ledger.set_open_limit(alice.organization.pk, 7)
    live, test = made(manager), made(manager, livemode=False)
    assert (live["max_open_tasks"], test["max_open_tasks"]) == (7, 20)
    assert not KeyUsage.objects.exists()


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", KEYS), ("DELETE", KEYS), ("POST", f"{KEYS}/key_x"), ("GET", f"{KEYS}/key_x/rotate")],
)
def test_other_methods_are_refused(alice: Person, method: str, path: str) -> None:
    assert word_of(send(method, path)) == (405, "method_not_allowed")


def test_suspended_organization_manages_nothing_by_api(alice: Person, manager: str) -> None:
    suspend(alice.organization)
    assert word_of(send("POST", KEYS, key=manager, body=CI)) == (403, "organization_suspended")


def test_null_mode_is_the_mode_of_the_key_that_asks(manager: str) -> None:
    assert made(manager, livemode=None)["livemode"] is True
