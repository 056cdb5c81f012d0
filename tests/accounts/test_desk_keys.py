"""Keys at the operator's desk: seen, frozen, thawed and revoked, never made or read."""

import pytest

from accounts.api_keys import freeze_api_key
from accounts.models import ApiKey, AuditEvent
from tests.accounts.client import generate
from tests.cast import Person, new_key
from tests.operators import clerk, desk_of, do, operator
from tests.pages import browser_of, text_of

LIST = "/admin/accounts/apikey/"


def test_key_is_frozen_and_its_organization_reads_so(alice: Person) -> None:
    key, secret = new_key(alice)
    assert "The key is frozen." in text_of(do(desk_of(operator()), key, "freeze"))
    assert generate(secret).status_code == 401
    assert "Frozen: requests with this key are refused." in text_of(browser_of(alice).get("/keys/"))
    event = AuditEvent.objects.select_related("origin").get()
    assert (event.action, event.subject, event.details) == ("key_frozen", key.actor, {"reason": "operator"})
    assert event.origin.note == "as the letter of Monday says"


def test_frozen_key_is_thawed_once_and_works_again(alice: Person) -> None:
    key, secret = new_key(alice)
    freeze_api_key(key, "leaked")
    desk = desk_of(operator())
    assert "Frozen" in text_of(desk.get(LIST))
    assert "The key works again." in text_of(do(desk, key, "thaw"))
    assert "It is not frozen." in text_of(do(desk, key, "thaw"))
    assert generate(secret).status_code == 200
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.subject, event.details) == (
        "key_changed",
        f"staff:{operator().uuid}",
        key.actor,
        {"frozen": False},
    )


def test_key_is_revoked_from_the_next_request_on_and_for_good(alice: Person) -> None:
    key, secret = new_key(alice)
    desk = desk_of(operator())
    do(desk, key, "revoke")
    assert generate(secret).status_code == 401
    assert AuditEvent.objects.get().action == "key_revoked"
    page = text_of(desk.get(f"{LIST}{key.pk}/freeze/"))
    assert "It was revoked, and stays so." in page
    assert "Freeze it" not in page.split("Back")[0].rpartition("stays so")[2]


def test_who_may_only_look_changes_nothing(alice: Person) -> None:
    key, secret = new_key(alice)
    freeze_api_key(key, "leaked")
    desk = desk_of(clerk("view_apikey", "change_apikey"))
    page = desk.get(f"{LIST}{key.pk}/change/")
    assert key.prefix in page.content.decode()
    assert key.digest not in page.content.decode()
    assert f"{LIST}{key.pk}/thaw/" not in page.content.decode()
    assert do(desk, key, "thaw").status_code == 403
    assert generate(secret).status_code == 401
    assert ApiKey.objects.get().frozen_at is not None


@pytest.mark.parametrize("path", [f"{LIST}add/"])
def test_no_key_is_made_at_the_desk(alice: Person, path: str) -> None:
    assert desk_of(operator()).get(path).status_code == 403
