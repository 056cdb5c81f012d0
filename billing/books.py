"""The check of the books, whose last result is a row: the same by beat, by `manage.py check_ledger` and at the desk."""

import datetime
import logging
import time
from collections.abc import Sequence

from django.db import DatabaseError, transaction
from django.db.models import Min, Q

from accounts.clock import db_now, read_db_now
from billing import proofs, stripe_events
from billing.audit import Finding
from billing.models import BooksCheck, LedgerEntry

logger = logging.getLogger(__name__)

EVERY = datetime.timedelta(minutes=5)
# Longer than that nothing was checked: whoever should has stopped.
OVERDUE = 6 * EVERY
# An event is processed within seconds, and as soon as Stripe answers again; after that it needs somebody.
EVENT_WAITS = datetime.timedelta(minutes=15)
SHOWN = 50
COUNTED = 1_000
ONE = 1
EVENTS = "stripe_events_wait"


def last() -> BooksCheck:
    """As it was found last; an unsaved row before the first check."""
    return BooksCheck.objects.filter(pk=ONE).first() or BooksCheck(pk=ONE)


def is_overdue(row: BooksCheck) -> bool:
    """Whether somebody should have checked by now: since the last time, or since there is anything to check."""
    since = row.checked_at
    if since is None:
        oldest = LedgerEntry.objects.aggregate(oldest=Min("pk"))["oldest"]
        since = LedgerEntry.objects.filter(pk=oldest).values_list("created_at", flat=True).first()
    return since is not None and since < read_db_now() - OVERDUE


def look_if_due() -> list[Finding] | None:
    """By whoever comes first; None when somebody else has just done so, or is at it."""
    BooksCheck.objects.get_or_create(pk=ONE)
    is_due = Q(begun_at=None) | Q(begun_at__lt=db_now() - EVERY * 0.9)
    if not BooksCheck.objects.filter(is_due, pk=ONE).update(begun_at=db_now()):
        return None
    return look()


def look(*, full: bool = False) -> list[Finding]:
    """All rows that disagree, and noted."""
    began = time.monotonic()
    findings = proofs.check(full=full)
    try:
        note(findings, took_ms=round(1000 * (time.monotonic() - began)), full=full)
    except DatabaseError as error:  # whoever asked gets the answer all the same
        logger.warning("What the check found could not be noted: %s", error)
    return findings


def note(findings: Sequence[Finding], *, took_ms: int, full: bool) -> None:
    waiting = stripe_events.waiting()
    oldest: datetime.datetime | None = waiting.aggregate(oldest=Min("received_at"))["oldest"]
    now = read_db_now()
    problems = {finding.rule for finding in findings}
    if oldest is not None and oldest < now - EVENT_WAITS:
        problems.add(EVENTS)
    with transaction.atomic():
        BooksCheck.objects.get_or_create(pk=ONE)
        row = BooksCheck.objects.select_for_update().get(pk=ONE)
        if sorted(problems) != row.problems:
            row.changed_at = now
        row.problems = sorted(problems)
        row.checked_at, row.took_ms = now, took_ms
        row.full_at = now if full else row.full_at
        row.count = len(findings)
        row.findings = [{"rule": one.rule, "row": one.words} for one in findings[:SHOWN]]
        row.events_waiting = waiting[:COUNTED].count()
        row.oldest_event_at = oldest
        row.save()
