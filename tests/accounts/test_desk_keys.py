"""Keys at the operator's desk: seen, thawed and revoked, never made or read."""

import pytest
from django.test import Client

from accounts.api_keys import freeze_api_key
from accounts.models import ApiKey, AuditEvent
from tests.accounts.client import generate
from tests.cast import Person, new_key
from tests.operators import clerk, desk_of, operator
from tests.pages import text_of

LIST = "/admin/accounts/apikey/"


def act(desk: Client, action: str, key: ApiKey) -> None:
    desk.post(LIST, {"action": action, "_selected_action": [str(key.pk)]})


def test_frozen_key_is_thawed_and_works_again(alice: Person) -> None:
    key, secret = new_key(alice)
    freeze_api_key(key, "leaked")
    desk = desk_of(operator())
    assert "Frozen" in text_of(desk.get(LIST))
    act(desk, "thaw_them", key)
    act(desk, "thaw_them", key)
    assert generate(secret).status_code == 200
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.subject, event.details) == (
        "key_changed",
        f"staff:{operator().uuid}",
        key.actor,
        {"frozen": False},
    )


def test_key_is_revoked_from_the_next_request_on(alice: Person) -> None:
    key, secret = new_key(alice)
    act(desk_of(operator()), "revoke_them", key)
    assert generate(secret).status_code == 401
    assert AuditEvent.objects.get().action == "key_revoked"


def test_who_may_only_look_changes_nothing(alice: Person) -> None:
    key, secret = new_key(alice)
    freeze_api_key(key, "leaked")
    desk = desk_of(clerk("view_apikey"))
    page = desk.get(f"{LIST}{key.pk}/change/")
    assert key.prefix in page.content.decode()
    assert key.digest not in page.content.decode()
    act(desk, "thaw_them", key)
    assert generate(secret).status_code == 401


@pytest.mark.parametrize("path", [f"{LIST}add/"])
def test_no_key_is_made_at_the_desk(alice: Person, path: str) -> None:
    assert desk_of(operator()).get(path).status_code == 403
