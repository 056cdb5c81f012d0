"""Who sees keys, who makes, changes, rotates and revokes them, and that they are nobody else's."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiKey, Role
from tests.accounts.client import send
from tests.cast import Person, join, new_key
from tests.config.keys.steps import KEYS, change, form_id, made, make, revoke, rotate, secret_in
from tests.pages import browser_of, text_of

MANAGES = [Role.OWNER, Role.ADMIN, Role.DEVELOPER]
LOOKS = [Role.BILLING, Role.VIEWER]


def member(alice: Person, role: Role) -> Client:
    return browser_of(join("dora@studio.example", alice.organization, role))


def state(key: ApiKey) -> tuple[Any, ...]:
    key.refresh_from_db()
    return key.name, key.scopes, key.revoked_at, key.replaced_by_id, key.expires_at


@pytest.mark.parametrize("role", MANAGES)
def test_those_who_manage_keys_make_change_rotate_and_revoke_them(alice: Person, role: Role) -> None:
    client = member(alice, role)
    key, _secret = made(client)
    assert change(client, key, name="nightly").status_code == 302
    assert ApiKey.objects.get().name == "nightly"
    secret_in(rotate(client, key))
    new = ApiKey.objects.latest("pk")
    assert revoke(client, new).status_code == 302
    new.refresh_from_db()
    assert new.revoked_at is not None


@pytest.mark.parametrize("role", LOOKS)
def test_the_others_see_the_list_and_can_do_nothing(alice: Person, role: Role) -> None:
    key, _secret = new_key(alice, name="nightly")
    client = member(alice, role)
    words = text_of(client.get("/keys/"))
    assert "nightly" in words
    assert key.prefix in words
    assert "New key" not in words
    assert key.public_id + "/" not in client.get("/keys/").content.decode()
    before, count = state(key), ApiKey.objects.count()
    answers: list[Any] = [client.get("/keys/new/"), client.get(f"/keys/{key.public_id}/")]
    answers += [make(client, form_id="0" * 24), change(client, key), rotate(client, key), revoke(client, key)]
    assert [answer.status_code for answer in answers] == [403] * 6
    assert "Your role does not allow this" in text_of(answers[-1])
    assert (state(key), ApiKey.objects.count()) == (before, count)


def test_visitors_are_sent_to_the_sign_in(db: None) -> None:
    for path in ("/keys/", "/keys/new/", "/keys/key_" + "0" * 24 + "/"):
        response = browser_of().get(path)
        assert (response.status_code, response.headers["Location"].split("?")[0]) == (302, "/sign-in/")


def test_keys_of_another_organization_are_not_there(alice: Person, charlie: Person) -> None:
    key, _secret = new_key(alice)
    client, manager = browser_of(charlie), new_key(charlie, scopes=["generate", "read", "admin"])[1]
    before = state(key)
    assert key.prefix not in client.get("/keys/").content.decode()
    for answer in (
        client.get(f"/keys/{key.public_id}/"),
        change(client, key),
        rotate(client, key),
        revoke(client, key),
        send("GET", f"{KEYS}/{key.public_id}", key=manager),
        send("PATCH", f"{KEYS}/{key.public_id}", key=manager, body={"name": "mine"}),
        send("DELETE", f"{KEYS}/{key.public_id}", key=manager),
        send("POST", f"{KEYS}/{key.public_id}/rotate", key=manager, body={}),
    ):
        assert answer.status_code == 404
    assert send("GET", f"{KEYS}?cursor={key.public_id}", key=manager).status_code == 400
    assert state(key) == before


@pytest.mark.parametrize("key_id", ["key_x", "key_" + "0" * 24, "%00", "key_%F0%9F%92%A9", "key_" + "0" * 25])
def test_what_is_no_key_is_not_there(alice: Person, key_id: str) -> None:
    manager = new_key(alice, scopes=["admin"])[1]
    assert browser_of(alice).get(f"/keys/{key_id}/").status_code == 404
    assert send("GET", f"{KEYS}/{key_id}", key=manager).status_code == 404


@pytest.mark.parametrize("act", [change, rotate])
def test_key_that_manages_is_for_those_who_may_manage(
    alice: Person, bob: Person, act: Callable[[Client, ApiKey], Any]
) -> None:
    key, _secret = new_key(alice, scopes=["read", "admin"])
    before = state(key)
    assert act(browser_of(bob), key).status_code == 403
    assert state(key) == before
    words = text_of(browser_of(bob).get(f"/keys/{key.public_id}/"))
    assert "Only an owner or an admin changes or replaces it; you can revoke it." in words
    assert revoke(browser_of(bob), key).status_code == 302


def test_nobody_gives_a_scope_that_they_do_not_have(alice: Person, bob: Person) -> None:
    client = browser_of(bob)
    assert "Manage" not in text_of(client.get("/keys/new/"))
    for answer in (
        make(client, scopes=["read", "admin"]),
        change(client, new_key(alice)[0], scopes=["read", "admin"]),
    ):
        assert answer.status_code == 400
        assert "Your role cannot give this." in text_of(answer)
    assert not ApiKey.objects.filter(scopes__icontains="admin").exists()
    assert made(browser_of(alice), scopes=["read", "admin"])[0].scopes == ["read", "admin"]


def test_while_an_organization_closes_its_keys_are_only_looked_at(alice: Person) -> None:
    key, secret = new_key(alice)
    client = browser_of(alice)
    token = form_id(client)
    type(alice.organization).objects.update(closing_at=key.created_at)
    assert "its keys have stopped" in text_of(client.get("/keys/"))
    assert [make(client, form_id=token).status_code, revoke(client, key).status_code] == [403, 403]
    assert send("GET", "/api/status", key=secret).status_code == 401
