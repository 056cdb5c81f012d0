"""A key is made with what was asked for, and seen once."""

import datetime
import re

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts import keys
from accounts.api_keys import MAX_LIVE_KEYS, create_api_key
from accounts.models import ApiKey, AuditEvent, Organization
from billing import ledger
from billing.models import KeyUsage
from tests.accounts.client import generate
from tests.cast import Person, new_key
from tests.config.keys.steps import events, form_id, made, make, secret_in
from tests.pages import browser_of, text_of


def test_new_key_works_and_is_seen_once(alice: Person, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://shop.example"
    client = browser_of(alice)
    response = make(client)
    secret = secret_in(response)
    assert f"curl https://shop.example/api/generate -H &quot;Authorization: Bearer {secret}&quot;" in (
        response.content.decode()
    )
    assert "no-store" in response["Cache-Control"]
    assert generate(secret).status_code == 200
    row = ApiKey.objects.get()
    assert (row.name, row.livemode, row.scopes) == ("ci", True, ["generate", "read"])
    assert (row.created_by, row.prefix) == (alice.user, secret[: keys.SHOWN_LENGTH])
    for page in ("/keys/", f"/keys/{row.public_id}/"):
        assert secret not in client.get(page).content.decode()
        assert row.prefix in client.get(page).content.decode()


def test_sending_the_form_again_makes_nothing_and_shows_nothing(alice: Person) -> None:
    client = browser_of(alice)
    token = form_id(client)
    secret = secret_in(make(client, form_id=token))
    again = make(client, form_id=token)
    assert again.status_code == 409
    assert "A key is shown once" in text_of(again)
    assert secret not in again.content.decode()
    assert ApiKey.objects.count() == 1
    assert len(events()) == 1


def test_secret_is_not_in_the_session_nor_anywhere_in_the_database(alice: Person) -> None:
    client = browser_of(alice)
    secret = secret_in(make(client))
    assert secret not in str(dict(client.session.items()))
    rows = [*ApiKey.objects.values(), *AuditEvent.objects.values()]
    assert secret not in str(rows)


def test_limits_are_kept_where_they_are_enforced(alice: Person) -> None:
    key, _secret = made(
        browser_of(alice),
        name="  nightly  ",
        livemode="test",
        scopes=["admin", "read"],
        expires_at="2999-01-31T12:00",
        allowed_addresses="203.0.113.7/24, ::ffff:198.51.100.9\r\n2001:DB8::/32 203.0.113.0/24",
        rate_per_minute="30",
        burst="5",
        max_open_tasks="2",
        day_cap="100",
        lifetime_cap="5000",
    )
    assert (key.name, key.livemode, key.scopes) == ("nightly", False, ["read", "admin"])
    assert key.expires_at == datetime.datetime(2999, 1, 31, 12, tzinfo=datetime.UTC)
    assert key.allowed_addresses == ["203.0.113.0/24", "198.51.100.9", "2001:db8::/32"]
    assert (key.rate_per_minute, key.burst) == (30, 5)
    usage = KeyUsage.objects.get(key=key)
    assert (usage.open_limit, usage.day_cap, usage.month_cap, usage.lifetime_cap) == (2, 100, None, 5000)


def test_audit_log_has_numbers_and_no_names_or_addresses(alice: Person) -> None:
    key, _secret = made(browser_of(alice), name="of Zoe", allowed_addresses="203.0.113.7", day_cap="100")
    assert events() == [
        (
            "key_created",
            f"key:{key.public_id}",
            {"livemode": True, "scopes": ["generate", "read"], "allowed_addresses": 1, "day_cap": 100},
        )
    ]
    event = AuditEvent.objects.get()
    assert (event.actor, event.origin.address) == (alice.user.actor, "127.0.0.1")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "", "A name has 1 to 80 characters."),
        ("name", "   ", "A name has 1 to 80 characters."),
        ("name", "x" * 81, "A name has 1 to 80 characters."),
        ("name", "a\nb", "A name is one line, without control characters."),
        ("name", "a\x00b", "Null characters are not allowed."),
        ("scopes", [], "A key without scopes can do nothing"),
        ("scopes", ["root"], "Your role cannot give this."),
        ("livemode", "both", "Select a valid choice."),
        ("expires_at", "tomorrow", "A date and a time, such as"),
        ("expires_at", "2020-01-01T00:00", "This time has passed."),
        ("expires_at", "0001-01-01T00:00+14:00", "A date and a time, such as"),
        ("expires_at", "9999-12-31T23:59", "Choose an earlier time, or none."),
        ("allowed_addresses", "home", "home is not an address or network."),
        ("allowed_addresses", "fe80::1%eth0", "fe80::1%eth0 is not an address or network."),
        ("allowed_addresses", "10.0.0.0/33", "10.0.0.0/33 is not an address or network."),
        ("allowed_addresses", " ".join(f"10.0.0.{n}" for n in range(51)), "At most 50 addresses"),
        ("rate_per_minute", "0", "A whole number from 1 to 600."),
        ("rate_per_minute", "601", "A whole number from 1 to 600."),
        ("burst", "1.5", "A whole number."),
        ("max_open_tasks", "21", "A whole number from 1 to 20."),
        ("day_cap", "many", "A whole number."),
        ("month_cap", "9" * 30, "A whole number."),
        ("lifetime_cap", "-1", "A whole number from 1 to 1000000000."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_the_rest_is_kept(
    alice: Person, field: str, value: object, says: str
) -> None:
    client = browser_of(alice)
    response = make(client, **({"name": "<b>kept</b>", "day_cap": "77"} | {field: value}))
    html = response.content.decode()
    assert response.status_code == 400
    assert says in text_of(response)
    assert html.count('class="problem"') == 1
    if field != "name":
        assert 'value="&lt;b&gt;kept&lt;/b&gt;"' in html
    if field != "day_cap":
        assert 'value="77"' in html
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "\u202eabc", "שלום\u200f", "🦊" * 80, "O'Neil & Co"]
)
def test_names_are_kept_as_they_are_and_shown_escaped_and_isolated(alice: Person, name: str) -> None:
    client = browser_of(alice)
    key, _secret = made(client, name=name)
    assert key.name == name
    html = client.get("/keys/").content.decode()
    assert "<script>alert" not in html
    assert re.search(r"<h2><bdi>[^<]+</bdi></h2>", html)


def test_an_organization_has_so_many_keys_and_then_revokes_one(alice: Person, charlie: Person) -> None:
    fill(alice.organization, MAX_LIVE_KEYS - 2)
    client = browser_of(alice)
    ApiKey.objects.filter(pk=new_key(alice)[0].pk).update(revoked_at=timezone.now())
    ApiKey.objects.filter(pk=new_key(alice)[0].pk).update(expires_at=timezone.now())
    key, _secret = made(client)
    made(client)
    refused = make(client)
    assert refused.status_code == 409
    assert "as many keys as it may have" in text_of(refused)
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    made(client)
    made(browser_of(charlie))


def fill(organization: Organization, count: int) -> None:
    for _ in range(count):
        create_api_key(organization, livemode=True)


def test_a_key_may_have_what_its_organization_has(alice: Person) -> None:
    ledger.set_open_limit(alice.organization.pk, 50)
    type(alice.organization).objects.update(rate_per_minute=700, burst=300)
    key, _secret = made(browser_of(alice), rate_per_minute="700", burst="300", max_open_tasks="50")
    assert (key.rate_per_minute, key.burst) == (700, 300)


@pytest.mark.parametrize(
    ("scopes", "line"),
    [
        (["read"], "/api/status?task_id=task_…"),
        (["admin"], "/api/v1/keys"),
        (["generate", "admin"], "/api/generate"),
    ],
)
def test_line_to_try_is_one_that_the_key_may_send(alice: Person, scopes: list[str], line: str) -> None:
    assert line in text_of(make(browser_of(alice), scopes=scopes))
