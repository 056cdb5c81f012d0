"""A key that manages others gets, through them or by itself, nothing that it was not given."""

from typing import Any

import pytest

from accounts.models import ApiKey
from accounts.organizations import suspend
from billing import ledger
from tests.accounts.client import error_of, send, word_of
from tests.cast import Person, new_key
from tests.config.keys.steps import KEYS, ask, make
from tests.pages import browser_of, text_of

ALL = ["generate", "read", "admin"]
CI: dict[str, Any] = {"name": "ci", "scopes": ["generate", "read"]}
LIMITS: dict[str, Any] = {
    "expires_at": "2999-01-01T00:00:00Z",
    "allowed_addresses": ["127.0.0.0/8", "2001:db8::/32"],
    "rate_per_minute": 30,
    "burst": 5,
    "max_open_tasks": 3,
    "spend_caps": {"day": 100, "month": 500, "lifetime": 900},
}
MORE = [
    ({"expires_at": "2999-01-01T00:00:01Z"}, "expires_at"),
    ({"allowed_addresses": ["127.0.0.1", "0.0.0.0/0"]}, "allowed_addresses"),
    ({"allowed_addresses": ["::/0"]}, "allowed_addresses"),
    ({"rate_per_minute": 31}, "rate_per_minute"),
    ({"burst": 6}, "burst"),
    ({"max_open_tasks": 4}, "max_open_tasks"),
    ({"spend_caps": {"day": 101}}, "spend_caps.day"),
    ({"spend_caps": {"month": 501}}, "spend_caps.month"),
    ({"spend_caps": {"lifetime": 901}}, "spend_caps.lifetime"),
]


@pytest.fixture
def limited(alice: Person) -> tuple[str, str]:
    """The id and the secret of a key that manages within LIMITS."""
    free = new_key(alice, scopes=ALL)[1]
    key = ask("POST", KEYS, free, {"name": "manager", "scopes": ALL, **LIMITS})
    return key["id"], key["secret"]


def test_key_may_not_change_or_rotate_itself(alice: Person, limited: tuple[str, str]) -> None:
    key_id, secret = limited
    path = f"{KEYS}/{key_id}"
    for body in ({"spend_caps": None}, {"expires_at": None}, {"name": "me"}):
        assert word_of(send("PATCH", path, key=secret, body=body)) == (403, "insufficient_scope")
    assert word_of(send("POST", f"{path}/rotate", key=secret, body={})) == (403, "insufficient_scope")
    free = new_key(alice, scopes=ALL)[1]
    new = ask("POST", f"{path}/rotate", free, {})
    assert word_of(send("PATCH", f"{KEYS}/{new['id']}", key=secret, body={"spend_caps": None}))[0] == 403
    assert word_of(send("PATCH", f"{KEYS}/{new['id']}", key=new["secret"], body={"burst": None}))[0] == 403
    assert ask("GET", f"{KEYS}/{new['id']}", secret)["spend_caps"] == LIMITS["spend_caps"]
    assert ask("DELETE", path, secret)["revoked_at"] is not None


def test_what_it_makes_has_its_own_limits(limited: tuple[str, str]) -> None:
    secret = limited[1]
    made = ask("POST", KEYS, secret, CI)
    assert {name: made[name] for name in LIMITS} == LIMITS
    less = ask("POST", KEYS, secret, CI | {"spend_caps": {"day": 5}, "allowed_addresses": ["127.0.0.1"]})
    assert less["spend_caps"] == LIMITS["spend_caps"] | {"day": 5}
    assert less["allowed_addresses"] == ["127.0.0.1"]
    path = f"{KEYS}/{less['id']}"
    freed: dict[str, Any] = dict.fromkeys(LIMITS) | {"allowed_addresses": []}
    again = ask("PATCH", path, secret, freed)
    assert {name: again[name] for name in LIMITS} == LIMITS
    new = ask("POST", f"{path}/rotate", secret, {})
    assert {name: new[name] for name in LIMITS} == LIMITS


@pytest.mark.parametrize(("more", "param"), MORE)
def test_more_is_refused(limited: tuple[str, str], more: dict[str, Any], param: str) -> None:
    path = f"{KEYS}/{ask('POST', KEYS, limited[1], CI)['id']}"
    for method, where, body in (("POST", KEYS, CI | more), ("PATCH", path, more)):
        error = error_of(send(method, where, key=limited[1], body=body), 400)
        assert (error["type"], error["param"]) == ("invalid_field", param)
    assert ApiKey.objects.count() == 3


@pytest.mark.parametrize("cap", ["day_cap", "open_limit"])
def test_what_has_more_is_only_revoked(alice: Person, limited: tuple[str, str], cap: str) -> None:
    free = new_key(alice, scopes=ALL)[1]
    made = ask("POST", KEYS, free, CI | LIMITS)
    ledger.set_key_limits(ApiKey.objects.get(public_id=made["id"]).pk, **{cap: None})
    path, secret = f"{KEYS}/{made['id']}", limited[1]
    for method, where, body in (("PATCH", path, LIMITS), ("POST", f"{path}/rotate", {})):
        assert word_of(send(method, where, key=secret, body=body)) == (403, "insufficient_scope")
    assert ask("DELETE", path, secret)["revoked_at"] is not None


def test_what_the_usual_rate_allows_is_left_as_it_is(alice: Person) -> None:
    secret = new_key(alice, scopes=ALL, rate_per_minute=100, burst=50)[1]
    made = ask("POST", KEYS, secret, CI)
    row = ApiKey.objects.get(public_id=made["id"])
    assert (row.rate_per_minute, row.burst) == (None, None)


def test_no_keys_are_made_for_a_suspended_organization(alice: Person) -> None:
    client = browser_of(alice)
    suspend(alice.organization)
    response = make(client, form_id="a" * 24)
    assert (response.status_code, ApiKey.objects.count()) == (403, 0)
    page = text_of(client.get("/keys/new/"))
    assert "No keys can be made while your organization is suspended." in page
    assert "Make key" not in page
    assert "New key" not in text_of(client.get("/keys/"))
