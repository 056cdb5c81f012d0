"""While a worker works, its leases are renewed; when it is done they are not."""

import threading

import pytest
from django.db import InterfaceError, connection
from pytest_django import Settings

from accounts.clock import db_now
from generations import heartbeat, lifecycle, runner
from generations.models import Generation
from tests.makers import a_claimed, a_generation, age, an_access, an_organization
from tests.waiting import wait_until


@pytest.fixture
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A heartbeat of this test's own, ten times a second, that ends with it."""
    settings.LEASE_RENEW_S = 0.1
    monkeypatch.setattr(heartbeat._thread, "_thread", None)


def has_lease(generation: Generation) -> bool:
    return Generation.objects.filter(pk=generation.pk, lease_until__gt=db_now()).exists()


def test_leases_are_renewed_while_the_work_goes_on(committed_db: None, quick: None) -> None:
    access = an_access(an_organization(100))
    busy, idle = a_claimed(access), a_claimed(access)
    with heartbeat.at_work() as work:
        work.generation = busy
        age(busy, lease_until=1)
        age(idle, lease_until=1)
        wait_until(lambda: has_lease(busy), "the lease to be renewed")
    assert not has_lease(idle)
    age(busy, lease_until=1)
    heartbeat.beat()
    assert not has_lease(busy)


@pytest.mark.django_db
def test_a_beat_renews_every_lease_of_the_process_but_none_that_was_lost() -> None:
    access = an_access(an_organization(100))
    first, second, taken = a_claimed(access), a_claimed(access), a_claimed(access)
    with heartbeat.at_work() as one, heartbeat.at_work() as two, heartbeat.at_work() as three:
        one.generation, two.generation, three.generation = first, second, taken
        for row in (first, second, taken):
            age(row, lease_until=1)
        Generation.objects.filter(pk=taken.pk).update(claim=9)
        heartbeat.beat()
        assert [has_lease(row) for row in (first, second, taken)] == [True, True, False]


def test_a_database_that_is_away_is_tried_again_at_the_next_beat(
    committed_db: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = a_claimed(an_access(an_organization(100)))
    renew = lifecycle.renew

    def away(_generation: Generation) -> bool:
        raise InterfaceError("connection already closed")

    with heartbeat.at_work() as work:
        work.generation = generation
        age(generation, lease_until=1)
        monkeypatch.setattr(lifecycle, "renew", away)
        heartbeat.beat()
        assert "the lease could not be renewed: connection already closed" in caplog.text
        monkeypatch.setattr(lifecycle, "renew", renew)
        heartbeat.beat()
        assert connection.connection is None  # given back between the beats
        assert has_lease(generation)


@pytest.mark.django_db
def test_hung_call_is_not_renewed_but_one_that_returned_is_however_long_it_took(settings: Settings) -> None:
    settings.LEASE_S = -1  # whatever has begun has gone on for longer
    generation = a_claimed(an_access(an_organization(100)))
    with heartbeat.at_work() as work:
        work.generation = generation
        with work.calling():
            age(generation, lease_until=1)
            heartbeat.beat()
            assert not has_lease(generation)
        settings.LEASE_S = 60
        heartbeat.beat()
        assert has_lease(generation)
    assert heartbeat.working() == []


@pytest.mark.django_db
def test_surrender_ends_the_leases_of_what_is_held_and_of_nothing_else() -> None:
    access = an_access(an_organization(100))
    held, others = a_claimed(access), a_claimed(access)
    with heartbeat.at_work() as work, heartbeat.at_work():
        work.generation = held
        assert heartbeat.surrender() == 1
    assert [has_lease(row) for row in (held, others)] == [False, True]


@pytest.mark.django_db
def test_closed_worker_leaves_a_ring_to_the_next_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = threading.Event()
    monkeypatch.setattr(heartbeat, "_closed", closed)
    heartbeat.close()
    generation = a_generation(an_access(an_organization(100)))
    runner.run(generation.pk)
    assert Generation.objects.get(pk=generation.pk).status == "queued"
    assert Generation.objects.filter(pk=generation.pk, dispatch_after__lte=db_now()).exists()
