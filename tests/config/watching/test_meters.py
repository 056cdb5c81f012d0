"""What happened is counted once, whoever counts and how often, and agrees with the rows."""

import datetime
import threading
from collections import Counter

import pytest
from django.db import connection
from django.db.models import F, Sum

from accounts.clock import db_now, read_db_now
from billing import ledger
from billing.models import EntryKind, LedgerEntry, Wallet
from config.watching import meters
from generations import lifecycle
from generations.models import Attempt, Generation, MeterMarks
from tests.config.watching.reading import counted, value
from tests.makers import (
    PRICE_CREDITS,
    a_generation,
    a_submitted,
    an_access,
    an_organization,
    new_reference,
    stored_images,
)
from tests.threads import together


@pytest.fixture(autouse=True)
def _begun(any_db: None, at_once: None) -> None:
    assert meters.count() == 0, "What was before is not counted"


def business() -> None:
    organization = an_organization(100, 1_000_000)
    access = an_access(organization)
    done, attempt = a_submitted(access)
    lifecycle.succeed(done, attempt, stored_images(done, 1), cost_micros=4000)
    failed, attempt = a_submitted(access)
    lifecycle.fail(failed, "generation_failed", attempt=attempt, outcome="failed", cost_micros=100)
    lifecycle.cancel(a_generation(access))
    a_generation(an_access(organization, livemode=False))
    organization_id = organization.pk
    ledger.grant(organization_id, 7, reference=new_reference(), actor="system")
    ledger.take(organization_id, 5, reference=new_reference(), actor="system")
    ledger.claw_back(organization_id, 3, value_micros=10, reference=new_reference(), actor="system")


@pytest.mark.django_db
def test_counts_agree_with_the_rows() -> None:
    for _ in range(3):
        business()
    assert meters.count() > 0
    assert counted(meters.ACCEPTED, mode="live", model="z-image-turbo") == 9
    assert counted(meters.ACCEPTED, mode="test", model="z-image-turbo") == 3
    assert counted(meters.ENDED, mode="live", status="succeeded", error="") == 3
    assert counted(meters.ENDED, mode="live", status="failed", error="generation_failed") == 3
    assert counted(meters.ENDED, mode="live", status="canceled", error="canceled") == 3
    assert counted(meters.ATTEMPTS, upstream="sandbox", outcome="ok") == 3
    assert counted(meters.ATTEMPTS, upstream="sandbox", outcome="failed") == 3
    assert counted(meters.COST, upstream="sandbox") == Attempt.objects.aggregate(n=Sum("cost_micros"))["n"]
    assert counted(meters.CREDITS, kind="used") == 3 * PRICE_CREDITS
    assert counted(meters.CREDITS, kind="sold") == 300
    assert counted(meters.CREDITS, kind="given") == 21
    assert counted(meters.CREDITS, kind="taken") == 15
    assert counted(meters.CREDITS, kind="clawed_back") == 9
    captures = LedgerEntry.objects.filter(kind=EntryKind.CAPTURE)
    assert counted(meters.INCOME) == -captures.aggregate(n=Sum("value_micros"))["n"]
    moved = {kind: counted(meters.CREDITS, kind=kind) for kind, _moved in meters.MOVES.values()}
    left = Wallet.objects.aggregate(n=Sum(F("available") + F("held") - F("owed")))["n"]
    assert moved["sold"] + moved["given"] - moved["taken"] - moved["used"] - moved["clawed_back"] == left


@pytest.mark.django_db
def test_counting_again_adds_nothing() -> None:
    business()
    meters.count()
    before = list(meters.read())
    assert meters.count() == 0
    assert list(meters.read()) == before


def test_many_at_once_count_everything_once(committed_db: None) -> None:
    for _ in range(4):
        business()
    together(4, lambda _: meters.count())
    assert counted(meters.ACCEPTED, mode="live", model="z-image-turbo") == 12
    assert counted(meters.CREDITS, kind="used") == 4 * PRICE_CREDITS
    connection.close()


def test_marks_that_are_only_read_let_each_count_everything_control(committed_db: None) -> None:
    business()
    meters.count()
    business()
    connection.close()
    everybody_has_read = threading.Barrier(4)

    def count_naively(_index: int) -> None:
        counts: meters.Counts = Counter()
        mark, settled = MeterMarks.objects.get().orders, read_db_now() - meters.LAG
        meters._up_to(Generation, "created_at", mark, settled)(counts, meters._orders)
        connection.close()
        everybody_has_read.wait(30)
        for (name, labels), grown in counts.items():
            meters._add(name, labels, grown)

    assert together(4, count_naively) == [None] * 4
    assert counted(meters.ACCEPTED, mode="live", model="z-image-turbo") == 3 + 4 * 3
    connection.close()


@pytest.mark.django_db
def test_more_than_fits_is_counted_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters, "PORTION", 2)
    for _ in range(3):
        business()
    for _ in range(30):
        meters.count()
    assert counted(meters.ACCEPTED, mode="live", model="z-image-turbo") == 9
    assert counted(meters.ENDED, mode="live", status="succeeded", error="") == 3
    assert counted(meters.CREDITS, kind="used") == 3 * PRICE_CREDITS


@pytest.mark.django_db
def test_what_is_fresh_waits_for_those_who_are_still_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids are given before rows are committed, so a later one may be seen first."""
    monkeypatch.setattr(meters, "LAG", datetime.timedelta(seconds=45))
    business()
    before = MeterMarks.objects.get()
    assert meters.count() == 0
    after = MeterMarks.objects.get()
    assert (after.orders, after.entries) == (before.orders, before.entries)


@pytest.mark.django_db
def test_a_clock_that_went_ahead_stops_nothing_once_it_is_back() -> None:
    MeterMarks.objects.update(ended_until=db_now() + datetime.timedelta(days=365))
    meters.count()
    business()
    meters.count()
    assert counted(meters.ENDED, mode="live", status="succeeded", error="") == 1


@pytest.mark.django_db
def test_prometheus_reads_them_as_counters(watched: str) -> None:
    business()
    meters.count()
    assert value(watched, f"{meters.CREDITS}_total", kind="used") == PRICE_CREDITS
    assert (
        value(watched, f"{meters.ENDED}_total", mode="live", status="failed", error="generation_failed") == 1
    )
    assert value(watched, "tintype_orders_open", status="queued") == 1
    assert value(watched, "tintype_counted_timestamp_seconds") > 0
