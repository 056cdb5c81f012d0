"""What makes up for lost rings, dead workers and passed deadlines: four searches, each for itself."""

import time

import pytest
from django.db import OperationalError

from accounts import ticks
from accounts.access import Access
from accounts.clock import read_db_now
from accounts.models import Organization
from generations import doorbell, lifecycle, storage, sweeps, wholesale
from generations.models import Generation
from generations.providers.base import AfterCrash, Outcome, OutcomeKind
from tests.generations.providers import Upstream, upstream
from tests.makers import (
    a_claimed,
    a_generation,
    a_submitted,
    age,
    an_organization,
    books_are_right,
    settlements_of,
    status_of,
    wallet_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids for which the bell was rung."""
    heard: list[int] = []

    def hear(generation_id: int) -> bool:
        heard.append(generation_id)
        return True

    monkeypatch.setattr(doorbell, "publish", hear)
    return heard


@pytest.fixture
def organization(db: None) -> Organization:
    return an_organization(1000)


def seconds_until_ring(generation: Generation) -> float:
    return (Generation.objects.get(pk=generation.pk).dispatch_after - read_db_now()).total_seconds()


# --- Past the deadline ---------------------------------------------------------------------------


def test_what_is_past_its_deadline_fails_and_is_released(organization: Organization, access: Access) -> None:
    queued, running, submitted = a_generation(access), a_claimed(access), a_submitted(access)[0]
    fresh = a_generation(access)
    for generation in (queued, running, submitted):
        age(generation, deadline_at=1)
    assert sweeps.expire_overdue() == 3
    assert sweeps.expire_overdue() == 0
    assert [status_of(row) for row in (queued, running, submitted)] == [("failed", "timeout")] * 3
    assert status_of(fresh)[0] == "queued"
    assert wallet_of(organization)[:2] == (985, 15)
    assert books_are_right()


def test_an_overload_is_expired_in_batches_oldest_first(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "BATCH", 2)
    rows = [a_generation(access) for _ in range(3)]
    for seconds, row in zip((1, 3, 2), rows, strict=True):
        age(row, deadline_at=seconds)
    assert sweeps.expire_overdue() == 2
    assert [status_of(row)[0] for row in rows] == ["queued", "failed", "failed"]


def test_a_row_that_cannot_be_changed_stops_none_behind_it(
    access: Access, caplog: pytest.LogCaptureFixture
) -> None:
    broken, behind = a_generation(access), a_generation(access)
    # Its hold cannot be found, so settling it raises.
    Generation.objects.filter(pk=broken.pk).update(task_id="task_BROKEN")
    age(broken, deadline_at=9)
    age(behind, deadline_at=1)
    assert sweeps.expire_overdue() == 1
    assert status_of(broken)[0] == "queued"
    assert status_of(behind)[0] == "failed"
    assert "task_BROKEN: the sweep could not change it" in caplog.text


@pytest.mark.parametrize("lost_by", ["deadline_at", "lease_until"])
def test_what_a_lost_worker_stored_is_removed(access: Access, rung: list[int], lost_by: str) -> None:
    generation, _ = a_submitted(access)
    image = storage.CheckedImage(b"x", "image/png", "png", 256, 256, "0" * 64)
    lost = storage.store(generation.task_id, 1, 0, image)
    later = storage.store(generation.task_id, 2, 0, image)  # by a worker that this sweep knows nothing of
    age(generation, **{lost_by: 1})
    sweeps.sweep()
    with pytest.raises(FileNotFoundError):
        storage.read(lost)
    assert storage.read(later) == b"x"
    storage.delete([later])


# --- Queued, and the ring was lost ---------------------------------------------------------------


def test_a_queued_row_is_rung_again_after_15_30_60_and_120_seconds(access: Access, rung: list[int]) -> None:
    generation = a_generation(access)
    assert sweeps.ring_again() == 0
    for wait in (15, 30, 60, 120, 120):
        age(generation, dispatch_after=1)
        assert sweeps.ring_again() == 1
        assert sweeps.ring_again() == 0
        assert seconds_until_ring(generation) == pytest.approx(wait, abs=2)
    assert rung == [generation.pk] * 5


def test_what_a_leaving_worker_heard_in_vain_is_rung_by_the_next_sweep(
    access: Access, rung: list[int]
) -> None:
    generation = a_generation(access)
    assert lifecycle.ring_soon(generation.pk)
    assert [sweeps.ring_again(), sweeps.ring_again()] == [1, 0]
    assert rung == [generation.pk]


def test_only_queued_rows_are_rung(access: Access, rung: list[int]) -> None:
    running, ended = a_claimed(access), a_generation(access)
    lifecycle.cancel(ended)
    for row in (running, ended):
        age(row, dispatch_after=10)
    assert sweeps.ring_again() == 0
    assert rung == []


# --- The worker was lost -------------------------------------------------------------------------


def test_what_was_never_submitted_is_queued_again_and_rung_at_once(access: Access, rung: list[int]) -> None:
    generation = a_claimed(access)
    assert sweeps.requeue_lost() == 0
    age(generation, lease_until=1)
    sweeps.sweep()
    assert status_of(generation) == ("queued", "")
    assert rung == [generation.pk]
    assert lifecycle.claim(generation.pk) is not None


def test_after_the_last_claim_it_fails_and_is_released(
    organization: Organization, access: Access, rung: list[int]
) -> None:
    generation = a_generation(access)
    for _ in range(3):
        assert lifecycle.claim(generation.pk) is not None
        age(generation, lease_until=1)
        assert sweeps.requeue_lost() == 1
    assert status_of(generation) == ("failed", "generation_failed")
    assert settlements_of(generation) == ["release"]
    assert wallet_of(organization)[:2] == (1000, 0)
    assert books_are_right()


def test_submitted_work_is_driven_again_where_the_upstream_knows_its_key(
    access: Access, rung: list[int]
) -> None:
    generation, attempt = a_submitted(access)
    assert sweeps.drive_again() == 0
    age(generation, lease_until=1)
    assert sweeps.requeue_lost() == 0
    assert sweeps.drive_again() == 1
    again = lifecycle.claim(generation.pk)
    assert again is not None
    resent = lifecycle.mark_submitted(again, "sandbox")
    assert resent is not None
    assert resent.key == attempt.key


@pytest.mark.parametrize("after_crash", [AfterCrash.NEVER, AfterCrash.LOOK_UP])
def test_submitted_work_of_other_upstreams_waits_for_its_deadline(
    organization: Organization, access: Access, rung: list[int], after_crash: AfterCrash
) -> None:
    never = Upstream(lambda _job, _progress: Outcome(OutcomeKind.FAILED), after_crash)
    with upstream(never):
        generation, _attempt = a_submitted(access)
        age(generation, lease_until=1)
        sweeps.sweep()
        assert status_of(generation) == ("running", "")
        row = Generation.objects.get(pk=generation.pk)
        assert row.lease_until == row.deadline_at
        age(generation, lease_until=1, deadline_at=1)
        sweeps.sweep()
    assert status_of(generation) == ("failed", "timeout")
    assert (never.called_with, rung) == ([], [])
    assert wallet_of(organization)[:2] == (1000, 0)


def test_work_at_an_upstream_that_was_removed_waits_for_its_deadline(access: Access) -> None:
    generation, _attempt = a_submitted(access, provider="gone")
    age(generation, lease_until=1)
    assert sweeps.drive_again() == 0
    assert status_of(generation) == ("running", "")


def test_each_search_finds_its_own_under_any_backlog(
    access: Access, rung: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One query with a LIMIT for all would have been filled by the rings."""
    monkeypatch.setattr(sweeps, "BATCH", 1)
    waiting = [a_generation(access) for _ in range(3)]
    overdue, unsubmitted, submitted = a_generation(access), a_claimed(access), a_submitted(access)[0]
    for row in waiting:
        age(row, dispatch_after=100)
    age(overdue, deadline_at=1)
    age(unsubmitted, lease_until=1)
    age(submitted, lease_until=1)
    sweeps.sweep()
    assert status_of(overdue) == ("failed", "timeout")
    assert status_of(unsubmitted)[0] == "queued"
    assert status_of(submitted)[0] == "queued"
    assert len(rung) == 1


@pytest.mark.parametrize("trouble", [ValueError("a bug"), OperationalError("canceled: lock timeout")])
def test_a_step_that_cannot_be_done_keeps_no_other_from_its_work(
    access: Access,
    rung: list[int],
    trouble: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    overdue, unsubmitted = a_generation(access), a_claimed(access)
    age(overdue, deadline_at=1)
    age(unsubmitted, lease_until=1)

    def poisoned(*_rows: object) -> None:
        raise trouble

    for module, name in ((lifecycle, "expire"), (wholesale, "served_again")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, poisoned)
            sweeps.sweep()
    assert status_of(overdue) == ("failed", "timeout"), "By the second sweep"
    assert rung == [unsubmitted.pk], "By the first"
    assert "generations.sweeps.open_again failed; it is tried again" in caplog.text


def test_without_its_database_a_sweep_waits_for_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def goes_away() -> None:
        asked.append("asked")
        raise OperationalError("gone")

    monkeypatch.setattr(ticks, "_database_is_away", lambda: True)
    with pytest.raises(OperationalError, match="gone"):
        ticks.each_for_itself(goes_away, goes_away)
    assert asked == ["asked"]


def test_a_ring_that_nobody_heard_does_not_push_its_row_away(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = a_generation(access), a_generation(access)
    age(first, dispatch_after=2)
    age(second, dispatch_after=1)
    before = list(Generation.objects.order_by("pk").values_list("rings", "dispatch_after"))
    monkeypatch.setattr(doorbell, "_silent_until", time.monotonic() + 60)
    assert sweeps.ring_again() == 0
    assert list(Generation.objects.order_by("pk").values_list("rings", "dispatch_after")) == before
