"""Everything but mode and secret can be changed, and counts from the next request on."""

import pytest
from django.utils import timezone

from accounts.api_keys import freeze_api_key
from accounts.models import ApiKey
from billing.models import KeyUsage
from tests.accounts.client import error_of, generate, send, word_of
from tests.cast import Person, new_key
from tests.config.keys.steps import change, events, made, revoke, rotate
from tests.pages import browser_of, text_of


def test_change_counts_from_the_next_request_on(alice: Person) -> None:
    client = browser_of(alice)
    key, secret = made(client)
    assert generate(secret).status_code == 200
    assert change(client, key, day_cap="15").status_code == 302
    error = error_of(generate(secret), 402)
    assert (error["type"], error["limit_source"]) == ("spend_cap_reached", "key")
    assert error["fix_url"].endswith("/keys/")
    change(client, key)
    assert generate(secret).status_code == 200
    change(client, key, scopes=["read"])
    assert word_of(generate(secret)) == (403, "insufficient_scope")
    change(client, key, allowed_addresses="203.0.113.7")
    assert word_of(generate(secret)) == (403, "address_not_allowed")
    assert send("GET", "/api/status", key=secret, REMOTE_ADDR="203.0.113.7").status_code == 400


def test_form_shows_what_is_set_and_sending_it_back_changes_nothing(alice: Person) -> None:
    client = browser_of(alice)
    set_ = {
        "expires_at": "2999-01-31T12:00",
        "allowed_addresses": "203.0.113.7\n2001:db8::/32",
        "rate_per_minute": "30",
        "burst": "5",
        "max_open_tasks": "2",
        "month_cap": "1500",
    }
    key, _secret = made(client, **set_)
    ApiKey.objects.update(expires_at=key.expires_at.replace(second=30))  # type: ignore[union-attr]  # it is set
    before = (ApiKey.objects.values().get(), KeyUsage.objects.values().get())
    html = client.get(f"/keys/{key.public_id}/").content.decode()
    for value in ("2999-01-31T12:00", "30", "5", "2", "1500"):
        assert f'value="{value}"' in html
    assert "203.0.113.7\n2001:db8::/32</textarea>" in html
    assert change(client, key, **set_).status_code == 302
    assert (ApiKey.objects.values().get(), KeyUsage.objects.values().get()) == before
    assert len(events()) == 1


def test_audit_log_has_what_changed_and_not_the_names(alice: Person) -> None:
    client = browser_of(alice)
    key, _secret = made(client, day_cap="10")
    change(client, key, name="of Zoe", scopes=["read"], day_cap="", month_cap="20", max_open_tasks="3")
    assert events()[1:] == [
        (
            "key_changed",
            f"key:{key.public_id}",
            {"renamed": True, "scopes": ["read"], "day_cap": None, "month_cap": 20, "max_open_tasks": 3},
        )
    ]


def test_what_was_spent_stays_when_a_cap_changes(alice: Person) -> None:
    client = browser_of(alice)
    key, secret = made(client)
    generate(secret)
    change(client, key, day_cap="100", lifetime_cap="200")
    assert "today 15 of 100 this month 15 in all 15 of 200" in text_of(client.get("/keys/"))


def test_higher_limits_that_an_operator_gave_survive_other_changes(alice: Person) -> None:
    key, _secret = new_key(alice, name="ci", rate_per_minute=100_000, burst=5000)
    client = browser_of(alice)
    given = {"rate_per_minute": "100000", "burst": "5000"}
    assert change(client, key, day_cap="5", **given).status_code == 302
    key.refresh_from_db()
    assert (key.rate_per_minute, key.burst) == (100_000, 5000)
    assert change(client, key, rate_per_minute="99999", burst="5000").status_code == 400


def test_key_of_an_operator_without_a_name_can_stay_without(alice: Person) -> None:
    key, _secret = new_key(alice)
    assert change(browser_of(alice), key, name="", day_cap="5").status_code == 302


def test_expired_key_stays_ended(alice: Person) -> None:
    client = browser_of(alice)
    key, secret = made(client)
    ApiKey.objects.update(expires_at=timezone.now())
    assert "Expired; it no longer works." in text_of(client.get("/keys/?show=ended"))
    assert generate(secret).status_code == 401
    refused = change(client, key, expires_at="2999-01-01T00:00")
    assert refused.status_code == 409
    assert "This key has expired. Make a new one." in text_of(refused)
    assert "Save" not in text_of(client.get(f"/keys/{key.public_id}/"))
    freeze_api_key(key, "leaked")
    assert "Make the new key" not in text_of(client.get(f"/keys/{key.public_id}/"))
    assert generate(secret).status_code == 401


def test_frozen_key_is_not_changed(alice: Person) -> None:
    client = browser_of(alice)
    key, _secret = made(client)
    freeze_api_key(key, "leaked")
    refused = change(client, key, name="thawed")
    assert refused.status_code == 409
    assert "This key is frozen: it can be replaced or revoked, but not changed." in text_of(refused)
    key.refresh_from_db()
    assert (key.name, key.frozen_at is not None) == ("ci", True)
    assert "Save" not in text_of(client.get(f"/keys/{key.public_id}/"))


@pytest.mark.parametrize("end", [revoke, rotate])
def test_revoked_and_replaced_keys_are_not_changed(alice: Person, end: object) -> None:
    client = browser_of(alice)
    key, _secret = made(client)
    end(client, key)  # type: ignore[operator]  # one of two steps
    assert change(client, key, name="again").status_code == 409
    assert "Save" not in text_of(client.get(f"/keys/{key.public_id}/"))
    key.refresh_from_db()
    assert key.name == "ci"


def test_revoked_key_stops_with_the_next_request_and_once(alice: Person) -> None:
    client = browser_of(alice)
    key, secret = made(client)
    assert generate(secret).status_code == 200
    revoke(client, key)
    assert generate(secret).status_code == 401
    assert "is revoked: requests with it are refused from now on." in text_of(client.get("/keys/"))
    assert "ci" in text_of(client.get("/keys/?show=ended"))
    assert revoke(client, key).status_code == 409
    assert [action for action, _subject, _details in events()] == ["key_created", "key_revoked"]
