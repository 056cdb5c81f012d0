"""Goodwill for an incident: whoever is affected gets it, each task once, however often and by how many it is run."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.access import Access
from accounts.clock import db_now, read_db_now
from accounts.desk.deeds import Refused
from accounts.models import AuditEvent, Organization
from billing import ledger
from billing.models import LedgerEntry
from generations import incidents
from generations.models import Affected, Attempt, Generation, Incident, IncidentState
from tests.generations.hurt import a_failed, a_succeeded, an_incident
from tests.makers import (
    PRICE_CREDITS,
    a_generation,
    ago,
    an_access,
    an_organization,
    an_upstream,
    books_are_right,
    moment_as_written,
    wallet_of,
)
from tests.many_rows import count_for_plans, fill
from tests.operators import doer
from tests.scale import count

pytestmark = pytest.mark.django_db


@pytest.fixture
def access(db: None) -> Access:
    return an_access(an_organization(credits=1000))


def test_a_gift_for_many_tasks_repays_what_is_owed_first(access: Access) -> None:
    failed = [a_failed(access) for _ in range(3)]
    ledger.claw_back(access.organization.pk, 1020, value_micros=0, reference="made:back", actor="system")
    assert wallet_of(access.organization)[:3] == (0, 0, 20)
    assert credited(an_incident()) == 3
    assert wallet_of(access.organization)[:3] == (25, 0, 0)
    kept = LedgerEntry.objects.filter(kind="grant").order_by("pk")
    assert [(one.available, one.owed, one.available_after) for one in kept] == [
        (0, -15, 0),
        (10, -5, 10),
        (15, 0, 25),
    ]
    assert len(failed) == 3
    assert books_are_right()


def credited(incident: Incident) -> int:
    """How many tasks were, once it has run to its end."""
    incidents.start(incident, doer())
    count = incidents.run_due()
    incident.refresh_from_db()
    assert incident.state == IncidentState.DONE
    return count


def available(access: Access) -> int:
    return wallet_of(access.organization)[0]


def test_each_affected_task_brings_its_price_once(access: Access) -> None:
    failed = [a_failed(access) for _ in range(3)]
    other = an_access(an_organization(credits=100))
    failed.append(a_failed(other))
    incident = an_incident()
    assert incidents.extent(incident) == incidents.Extent(2, 4, 4 * PRICE_CREDITS)
    assert incidents.given(incident) == incidents.Extent(0, 0, 0)
    assert credited(incident) == 4
    assert incidents.given(incident) == incidents.extent(incident)
    assert (available(access), available(other)) == (1000 + 3 * PRICE_CREDITS, 100 + PRICE_CREDITS)
    references = set(LedgerEntry.objects.filter(kind="grant").values_list("reference", flat=True))
    assert references == {f"incident:{incident.public_id}:{one.task_id}" for one in failed}
    assert credited(incident) == 0
    assert incidents.given(incident).tasks == 4
    told = AuditEvent.objects.order_by("organization").values_list("details", flat=True)
    assert list(told) == [
        {"credits": 3 * PRICE_CREDITS, "tasks": 3},
        {"credits": PRICE_CREDITS, "tasks": 1},
    ]
    assert books_are_right()


def test_so_many_for_each_where_that_is_wished(access: Access) -> None:
    for _ in range(2):
        a_failed(access)
    incident = an_incident(credits_each=7)
    assert incidents.extent(incident).credits == 14
    credited(incident)
    assert available(access) == 1014


@pytest.mark.parametrize(
    ("affected", "tasks"),
    [(Affected.FAILED, 3), (Affected.TIMEOUT, 1), (Affected.UNAVAILABLE, 1), (Affected.SUCCEEDED, 1)],
)
def test_only_the_chosen_outcome_counts(access: Access, affected: str, tasks: int) -> None:
    for error_type in ("timeout", "upstream_unavailable", "generation_failed"):
        a_failed(access, error_type)
    a_succeeded(access)
    a_generation(access)
    assert incidents.extent(an_incident(affected=affected)).tasks == tasks


def test_only_the_chosen_time_counts_its_beginning_with_it_and_its_end_without(access: Access) -> None:
    moments = [a_failed(access, seconds_ago=seconds).finished_at for seconds in (300, 200, 100)]
    first, second, third = (moment for moment in moments if moment is not None)
    assert incidents.extent(an_incident(since=second, until=third)).tasks == 1
    assert incidents.extent(an_incident(since=first, until=third)).tasks == 2
    assert incidents.extent(an_incident(since=third)).tasks == 1


def test_only_tasks_that_were_tried_at_the_chosen_upstream_count(access: Access) -> None:
    bad, good = an_upstream(), an_upstream()
    for upstream in (bad, good, None):
        failed = a_failed(access)
        Attempt.objects.filter(generation=failed).update(upstream=upstream)
    both = a_failed(access)
    Attempt.objects.filter(generation=both).update(upstream=good)
    Attempt.objects.create(generation=both, number=2, provider="portal", upstream=bad, outcome="failed")
    incident = an_incident(upstream=bad)
    assert incidents.extent(incident).tasks == 2
    assert credited(incident) == 2


def test_neither_test_keys_nor_the_deleted_nor_another_shop(access: Access) -> None:
    a_failed(an_access(access.organization, livemode=False))
    gone = an_access(an_organization(credits=100))
    a_failed(gone)
    Organization.objects.filter(pk=gone.organization.pk).update(closing_at=db_now(), closed_at=db_now())
    incident = an_incident()
    assert incidents.extent(incident) == incidents.Extent(0, 0, 0)
    assert credited(incident) == 0


@pytest.mark.parametrize("milliseconds", [0, 123])
def test_many_go_by_portions_also_when_all_ended_at_one_moment(
    milliseconds: int, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incidents, "PORTION", 2)
    for _ in range(7):
        a_failed(access)
    Generation.objects.update(finished_at=moment_as_written(milliseconds))
    incident = an_incident()
    incidents.start(incident, doer())
    assert [incidents.take_portion(incident) for _ in range(5)] == [2, 2, 2, 1, None]
    assert incidents.given(incident) == incidents.extent(incident)
    assert books_are_right()


def test_a_hundred_thousand_go_by_portions_that_ask_the_same_each(access: Access) -> None:
    tasks = count(1_000, 100_000)
    rows = tasks * 10 // 9  # one of ten has failed
    ledger.grant(access.organization.pk, 20 * rows, reference="manual:many", actor="system")
    fill(access, rows)
    before = available(access)
    incident = an_incident(affected=Affected.SUCCEEDED, credits_each=1)
    expected = incidents.extent(incident).tasks
    assert expected >= tasks
    incidents.start(incident, doer())
    asked = set()
    while True:
        with CaptureQueriesContext(connection) as captured:
            done = incidents.take_portion(incident)
        if done != incidents.PORTION:
            break
        asked.add(len(captured))
    assert max(asked) <= 20
    incidents.run_due()
    assert incidents.given(incident) == incidents.Extent(1, expected, expected)
    assert available(access) == before + expected
    count_for_plans()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")  # as check_ledger does
    assert books_are_right()


def test_what_is_missed_comes_when_it_is_run_again_and_is_told_alone(access: Access) -> None:
    first = a_failed(access)
    incident = an_incident()
    Generation.objects.filter(pk=first.pk).update(finished_at=incident.until)
    assert credited(incident) == 0
    Generation.objects.filter(pk=first.pk).update(finished_at=ago(60))
    a_failed(access, seconds_ago=120)
    assert credited(incident) == 2
    a_failed(access, seconds_ago=180)
    assert credited(incident) == 1
    told = [event.details["credits"] for event in AuditEvent.objects.order_by("pk")]
    assert told == [2 * PRICE_CREDITS, PRICE_CREDITS]


def test_who_enters_the_same_finds_the_same(access: Access) -> None:
    until = read_db_now()
    incident = an_incident(until=until)
    assert an_incident(until=until, name="Otherwise called", credits_each=5) == incident
    assert an_incident(until=until, affected=Affected.TIMEOUT) != incident
    assert Incident.objects.count() == 2


def test_it_neither_starts_twice_nor_before_its_time_is_over(access: Access) -> None:
    incident = an_incident()
    incidents.start(incident, doer())
    with pytest.raises(Refused):
        incidents.start(incident, doer())
    with pytest.raises(Refused):
        incidents.start(an_incident(until=read_db_now() + datetime.timedelta(hours=1)), doer())


def test_others_of_the_same_time_are_pointed_at_once_they_have_given_something(access: Access) -> None:
    incident, other = an_incident(), an_incident(affected=Affected.TIMEOUT)
    assert not incidents.others_of_that_time(incident).exists()
    incidents.start(other, doer())
    assert list(incidents.others_of_that_time(incident)) == [other]
    earlier = an_incident(until=incident.since + datetime.timedelta(days=1))
    incidents.start(earlier, doer())
    later = an_incident(since=earlier.until)
    assert earlier not in incidents.others_of_that_time(later)
