"""The page of usage, and its file."""

import csv
import datetime
import io

import pytest

from generations import reports
from generations.models import Generation
from tests.cast import Person
from tests.pages import browser_of, made, text_of


def test_nothing_yet(alice: Person) -> None:
    assert "Nothing was made in these days." in text_of(browser_of(alice).get("/usage/"))


def test_days_keys_and_models(alice: Person) -> None:
    client = browser_of(alice)
    made(client)
    made(client, prompt="sandbox:failed")
    response = client.get("/usage/")
    page = text_of(response)
    for words in ("People, on these pages 1 1 15", "z-image-turbo 1 1 15", "50.0%", "By key", "By day"):
        assert words in page
    assert response.content.decode().count("<rect") == 2 * 28  # orders and credits


def test_file_has_a_row_for_each_day_key_and_model(alice: Person, charlie: Person) -> None:
    client = browser_of(alice)
    old = made(client)
    Generation.objects.filter(pk=old.pk).update(created_at=old.created_at - datetime.timedelta(days=3))
    made(client)
    made(browser_of(charlie))
    response = client.get("/usage/file")
    text = b"".join(response).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["succeeded"], row["credits"], row["model"]) for row in rows] == [
        ("1", "15", "z-image-turbo")
    ] * 2
    assert rows[0]["day"] > rows[1]["day"]
    assert "usage-alices-studio" in response["Content-Disposition"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"start": "2026-02-30"}, "valid date"),
        ({"start": "2026-03-02", "end": "2026-03-01"}, "The first day comes after the last one."),
        ({"start": "2020-01-01", "end": "2026-01-01"}, "At most 366 days at a time."),
        ({"end": "\x00"}, "valid date"),
        ({"end": "9999-12-31"}, "less than or equal to"),
        ({"end": "2999-12-31"}, ""),
        ({"start": "0001-01-01", "end": "0001-01-02"}, "greater than or equal to"),
        ({"start": "2000-01-01", "end": "2000-01-02"}, ""),
    ],
)
def test_strange_periods(alice: Person, asked: dict[str, str], words: str) -> None:
    for path in ("/usage/", "/usage/file"):
        response = browser_of(alice).get(path, asked)
        assert response.status_code == (400 if words else 200)
        if words:
            assert words in text_of(response)


def test_all_together_is_the_same_whether_read_alone_or_with_the_days(alice: Person) -> None:
    client = browser_of(alice)
    old = made(client)
    Generation.objects.filter(pk=old.pk).update(created_at=old.created_at - datetime.timedelta(days=2))
    made(client)
    made(client, prompt="sandbox:failed")
    today = datetime.datetime.now(datetime.UTC).date()
    start, end = today - datetime.timedelta(days=9), today + datetime.timedelta(days=1)
    days, total = reports.by_day_and_in_all(alice.organization, livemode=True, start=start, end=end)
    assert len(days) == 2
    assert [total] == reports.usage(alice.organization, livemode=True, start=start, end=end, by=frozenset())
    assert reports.by_day_and_in_all(alice.organization, livemode=True, start=start, end=start) == ([], None)
