"""The page of keys tells of each what it may, has spent, and when it was used."""

import datetime

import pytest
from django.utils import timezone

from accounts.models import ApiKey
from billing.models import KeyUsage
from config.keys.pages import PAGE
from tests.accounts.client import generate, send
from tests.cast import Person, new_key
from tests.config.keys.steps import made
from tests.pages import browser_of, text_of


def test_list_says_what_there_is_to_say(alice: Person) -> None:
    client = browser_of(alice)
    key, secret = made(
        client,
        name="nightly",
        allowed_addresses="127.0.0.1 10.0.0.0/8",
        rate_per_minute="30",
        burst="5",
        max_open_tasks="2",
        month_cap="5000",
        expires_at="2999-01-31T12:00",
    )
    words = text_of(client.get("/keys/"))
    assert "never" in words
    generate(secret)
    words = text_of(client.get("/keys/"))
    for part in (
        "nightly",
        f"{key.prefix}…",
        "Live Generate, Read 30 orders a minute, 5 at once 2 open tasks from 2 addresses or networks",
        "today 15 this month 15 of 5,000 in all 15",
        "Last used just now from 127.0.0.1",
        "by alice@studio.example",
    ):
        assert part in words
    assert 'title="2999-01-31 12:00:00 UTC"' in client.get("/keys/").content.decode()


def test_times_are_relative(alice: Person) -> None:
    new_key(alice)
    now = timezone.now()
    ApiKey.objects.update(
        last_used_at=now - datetime.timedelta(hours=3, minutes=5),
        created_at=now - datetime.timedelta(days=2, hours=1),
        expires_at=now + datetime.timedelta(days=9, minutes=1),
    )
    words = text_of(browser_of(alice).get("/keys/")).replace("\xa0", " ")
    for part in ("Last used 3 hours ago", "Made 2 days ago", "Expires in 1 week"):
        assert part in words


def test_sums_of_past_periods_are_not_shown_as_those_of_the_present(alice: Person) -> None:
    key, _secret = new_key(alice)
    KeyUsage.objects.create(
        key=key,
        day=datetime.date(2026, 1, 5),
        day_credits=30,
        month=datetime.date(2026, 1, 1),
        month_credits=60,
        lifetime_credits=90,
        day_cap=100,
    )
    assert "today 0 of 100 this month 0 in all 90" in text_of(browser_of(alice).get("/keys/"))


def test_made_by_somebody_who_is_no_longer_there(alice: Person, bob: Person) -> None:
    new_key(bob)
    type(bob.user).objects.filter(pk=bob.user.pk).update(erased_at=timezone.now())
    words = text_of(browser_of(alice).get("/keys/"))
    assert "by a former member" in words
    assert "bob@" not in words


def test_many_keys_come_in_pages(alice: Person) -> None:
    secrets = [new_key(alice, name=f"key number {number}.")[1] for number in range(PAGE + 2)]
    client = browser_of(alice)
    first = client.get("/keys/")
    assert "key number 2." in text_of(first)
    assert "key number 1." not in text_of(first)
    [path] = [part.split('"')[0] for part in first.content.decode().split('href="') if "?after=" in part[:30]]
    second = text_of(client.get(path))
    assert "key number 1." in second
    assert "key number 2." not in second
    assert secrets[0] not in second
    for after in ("key_" + "0" * 24, "x", "\x00"):
        assert client.get("/keys/", {"after": after}).status_code == 200


@pytest.mark.django_db
def test_last_use_is_noted_with_its_address(alice: Person) -> None:
    key, secret = new_key(alice)
    send("GET", "/api/status", key=secret, REMOTE_ADDR="2001:db8::7")
    key.refresh_from_db()
    assert key.last_used_address == "2001:db8::7"
    assert "from 2001:db8::7" in text_of(browser_of(alice).get("/keys/"))
