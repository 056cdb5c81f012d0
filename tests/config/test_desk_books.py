"""The panel of the books: the last check as a row, whoever checked."""

import datetime

import pytest
from django.core.management import call_command

from billing import audit, books, proofs
from billing.audit import Finding
from billing.models import BooksCheck, LedgerEntry, StripeEvent
from config import tasks
from config.desk.books import PROVEN
from generations.models import Alarm
from tests.billing.lawless import lawless
from tests.config.desk_rows import everything
from tests.makers import ago, an_organization
from tests.operators import desk_of, operator
from tests.pages import text_of

pytestmark = pytest.mark.django_db
WRONG = Finding("wallet_is_not_the_sum_of_its_entries", {"wallet": "doras", "available": 7})


def test_before_the_first_check_nothing_is_claimed() -> None:
    desk = desk_of(operator())
    page = text_of(desk.get("/admin/books/"))
    assert "Nobody has checked them yet." in page
    assert "kept" not in page
    assert "were not" not in page


def test_a_new_shop_is_told_when_its_books_are_checked_first_and_alarmed_when_they_are_not() -> None:
    """Today shows no red for what nobody could have done yet."""
    organization = an_organization(10)
    desk = desk_of(operator())
    calm = desk.get("/admin/")
    for words in ("not checked yet", "is done by itself every 5 minutes"):
        assert words in text_of(calm)
    assert 'class="bad"' not in calm.content.decode()
    with lawless():
        LedgerEntry.objects.filter(wallet__organization=organization).update(created_at=ago(3600))
        alarmed = desk.get("/admin/")
        assert "are beat and workers alive?" in text_of(alarmed)
        assert 'class="bad"' in alarmed.content.decode()
        assert "and were not" in text_of(desk.get("/admin/books/"))


def test_what_was_found_stands_there_until_it_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_of(operator())
    books.note([WRONG], took_ms=12, full=False)
    since = books.last().changed_at
    page = text_of(desk.get("/admin/books/"))
    for words in ("Something disagrees.", "broken", "wallet=doras available=7", "Checked in 12 ms"):
        assert words in page
    assert "disagree" in text_of(desk.get("/admin/"))
    books.note([WRONG], took_ms=12, full=False)
    assert books.last().changed_at == since
    books.note([], took_ms=3, full=True)
    row = books.last()
    assert (row.problems, row.findings, row.count) == ([], [], 0)
    assert row.changed_at != since
    assert row.full_at == row.checked_at
    assert "The books agree." in text_of(desk.get("/admin/books/"))


def test_beat_checks_once_however_many_beats_and_raises_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bool] = []

    def wrong(*, full: bool = False) -> list[Finding]:
        calls.append(full)
        return [WRONG]

    monkeypatch.setattr(proofs, "check", wrong)
    for _ in range(3):
        tasks.check_books()
    assert calls == [False]
    assert Alarm.objects.filter(condition="books", ended_at=None).count() == 1
    BooksCheck.objects.update(begun_at=ago(400))
    monkeypatch.setattr(proofs, "check", lambda *, full=False: [])
    tasks.check_books()
    assert not Alarm.objects.filter(ended_at=None).exists()


def test_command_and_panel_are_the_same_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "check", lambda *, full=False: [])
    call_command("check_ledger", "--full", verbosity=0)
    assert books.last().full_at is not None
    checked_at = books.last().checked_at
    assert desk_of(operator()).post("/admin/books/").status_code == 302
    assert books.last().checked_at != checked_at
    assert books.last().problems == []


def test_events_that_wait_break_a_promise_too() -> None:
    rows = everything()
    books.note([], took_ms=1, full=False)
    assert (books.last().problems, books.last().events_waiting) == ([], 1)
    StripeEvent.objects.filter(pk=rows.event.pk).update(received_at=ago(3600))
    books.note([], took_ms=1, full=False)
    assert books.last().problems == [books.EVENTS]
    assert "1 waits" in text_of(desk_of(operator()).get("/admin/books/"))


def test_books_that_nobody_checks_are_on_every_page() -> None:
    books.note([], took_ms=1, full=False)
    desk = desk_of(operator())
    assert "Nobody checks the books." not in text_of(desk.get("/admin/"))
    BooksCheck.objects.update(checked_at=ago((books.OVERDUE + datetime.timedelta(minutes=1)).total_seconds()))
    assert "Nobody checks the books." in text_of(desk.get("/admin/accounts/shop/"))


def test_every_rule_that_the_panel_names_is_one() -> None:
    named = {rule for _title, rules in PROVEN.values() for rule in rules}
    assert named <= {rule.name for rule in audit.all_rules()}
