"""`last_used_at` says when a key was used, at the price of one write a minute."""

import datetime

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiKey
from tests.accounts.client import STATUS, send
from tests.cast import Person, new_key


def writes_of_a_use(key: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        send("GET", STATUS, key=key)
    return sum("last_used_at" in query["sql"] and query["sql"].startswith("UPDATE") for query in queries)


def test_first_use_is_noted_and_further_ones_within_a_minute_are_not(alice: Person) -> None:
    row, key = new_key(alice)
    assert [writes_of_a_use(key) for _ in range(5)] == [1, 0, 0, 0, 0]
    row.refresh_from_db()
    assert row.last_used_at is not None
    assert abs(timezone.now() - row.last_used_at) < datetime.timedelta(minutes=1)


def test_use_is_noted_again_after_a_minute(alice: Person) -> None:
    row, key = new_key(alice)
    before = timezone.now() - datetime.timedelta(seconds=61)
    ApiKey.objects.filter(pk=row.pk).update(last_used_at=before)
    assert [writes_of_a_use(key) for _ in range(2)] == [1, 0]
    row.refresh_from_db()
    assert row.last_used_at is not None
    assert row.last_used_at > before


def test_note_of_two_at_once_is_written_once(alice: Person) -> None:
    row, _key = new_key(alice)
    one, other = ApiKey.objects.get(pk=row.pk), ApiKey.objects.get(pk=row.pk)
    one.note_use()
    row.refresh_from_db()
    noted = row.last_used_at
    other.note_use()
    row.refresh_from_db()
    assert row.last_used_at == noted
