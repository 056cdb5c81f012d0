"""A worker's way with a generation: claim, mark submitted, end it; and what becomes of one who is late."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from accounts.access import Access
from accounts.models import Organization
from generations import lifecycle
from generations.errors import AlreadyEnded
from generations.lifecycle import shared, working
from generations.models import Attempt, Generation, Image
from tests.makers import (
    a_claimed,
    a_generation,
    a_submitted,
    age,
    an_access,
    an_organization,
    books_are_right,
    open_tasks_of,
    set_price,
    settlements_of,
    status_of,
    stored_images,
    wallet_of,
)

pytestmark = pytest.mark.django_db
MICROS = 1_000_000


@pytest.fixture
def organization(db: None) -> Organization:
    return an_organization(100, 10 * MICROS)


def outcomes(generation: Generation) -> list[tuple[int, str]]:
    return list(generation.attempts.order_by("number").values_list("number", "outcome"))


def lost(generation: Generation) -> bool:
    """Hands back a generation whose worker was lost."""
    age(generation, lease_until=1)
    return lifecycle.hand_back(Generation.objects.get(pk=generation.pk), 0, lost=True)


# --- Claiming ------------------------------------------------------------------------------------


def test_a_claim_takes_a_queued_generation_once(access: Access) -> None:
    generation = a_generation(access)
    taken = lifecycle.claim(generation.pk)
    assert taken is not None
    assert (taken.status, taken.claim, taken.submitted) == ("running", 1, False)
    row = Generation.objects.get(pk=taken.pk)
    assert (row.status, row.claim, row.submitted, row.seed) == ("running", 1, False, taken.seed)
    assert row.started_at is not None
    assert row.lease_until is not None
    assert lifecycle.claim(generation.pk) is None


def test_a_seed_is_drawn_once_and_a_given_one_is_kept(access: Access) -> None:
    drawn = a_claimed(access)
    assert drawn.seed is not None
    drawn.refresh_from_db()
    lost(drawn)
    again = lifecycle.claim(drawn.pk)
    assert again is not None
    assert (again.seed, again.claim, again.started_at) == (drawn.seed, 2, drawn.started_at)


def test_nothing_is_claimed_after_its_deadline_or_its_end(access: Access) -> None:
    late, ended = a_generation(access), a_generation(access)
    age(late, deadline_at=1)
    lifecycle.cancel(ended)
    assert [lifecycle.claim(row.pk) for row in (late, ended)] == [None, None]
    assert lifecycle.claim(0) is None


# --- Marking submitted ---------------------------------------------------------------------------


def test_an_attempt_is_recorded_before_the_upstream_is_called(access: Access) -> None:
    generation = a_claimed(access)
    attempt = lifecycle.mark_submitted(generation, "sandbox")
    assert attempt is not None
    assert (attempt.number, attempt.outcome, attempt.key) == (1, "", f"{generation.task_id}:1")
    assert Generation.objects.get(pk=generation.pk).submitted


def test_nothing_is_submitted_after_the_lease_is_over(access: Access) -> None:
    generation = a_claimed(access)
    age(generation, lease_until=1)
    assert lifecycle.mark_submitted(generation, "sandbox") is None
    assert not Attempt.objects.exists()
    assert not Generation.objects.get(pk=generation.pk).submitted


def test_an_unknown_outcome_is_driven_again_under_its_own_number(access: Access) -> None:
    generation, attempt = a_submitted(access)
    assert lost(generation)
    again = lifecycle.claim(generation.pk)
    assert again is not None
    resent = lifecycle.mark_submitted(again, "sandbox")
    assert resent is not None
    assert (resent.pk, resent.key) == (attempt.pk, attempt.key)
    assert outcomes(generation) == [(1, "")]


@pytest.mark.parametrize("provider", ["sandbox", "another"])
def test_a_known_outcome_or_another_provider_gets_a_new_number(access: Access, provider: str) -> None:
    generation, attempt = a_submitted(access)
    if provider == "sandbox":
        assert lifecycle.hand_back(generation, 0, attempt=attempt, outcome="busy")
    else:
        assert lost(generation)
    again = lifecycle.claim(generation.pk)
    assert again is not None
    second = lifecycle.mark_submitted(again, provider)
    assert second is not None
    assert second.number == 2


# --- Ending --------------------------------------------------------------------------------------


def test_success_is_charged_and_shown(organization: Organization, access: Access) -> None:
    generation, attempt = a_submitted(access)
    assert lifecycle.succeed(generation, attempt, stored_images(generation, 1), cost_micros=700)
    row = Generation.objects.get(pk=generation.pk)
    assert (row.status, row.progress, row.lease_until) == ("succeeded", 100, None)
    assert row.finished_at is not None
    assert Image.objects.get(generation=row).storage_key == f"{row.task_id}/1/0.jpeg"
    assert wallet_of(organization) == (85, 0, 0, 8_500_000)
    assert settlements_of(row) == ["capture"]
    assert Attempt.objects.values_list("outcome", "cost_micros").get() == ("ok", 700)
    assert books_are_right()


@pytest.mark.parametrize(("delivered", "paid"), [(1, 4), (3, 12), (4, 16)])
def test_of_n_images_only_the_delivered_ones_are_paid(delivered: int, paid: int) -> None:
    organization = an_organization(100)
    set_price(16)
    generation, attempt = a_submitted(an_access(organization))
    Generation.objects.update(n=4)
    generation.n = 4
    assert lifecycle.succeed(generation, attempt, stored_images(generation, delivered))
    assert wallet_of(organization)[:2] == (100 - paid, 0)
    assert books_are_right()


@pytest.mark.parametrize("count", [0, 2])
def test_success_without_images_or_with_too_many_is_a_bug(access: Access, count: int) -> None:
    generation, attempt = a_submitted(access)
    with pytest.raises(ValueError, match=f"{count} images of 1"):
        lifecycle.succeed(generation, attempt, stored_images(generation, count))
    assert status_of(generation) == ("running", "")


def test_failure_costs_nothing(organization: Organization, access: Access) -> None:
    generation, attempt = a_submitted(access)
    assert lifecycle.fail(
        generation, "content_rejected", attempt=attempt, outcome="rejected", detail="x" * 900, cost_micros=5
    )
    assert status_of(generation) == ("failed", "content_rejected")
    assert wallet_of(organization) == (100, 0, 0, 10 * MICROS)
    assert settlements_of(generation) == ["release"]
    assert Attempt.objects.values_list("outcome", "detail", "cost_micros").get() == ("rejected", "x" * 500, 5)
    assert books_are_right()


def test_handing_back_puts_it_into_the_queue_until_poison_is_stopped(
    organization: Organization, access: Access, settings: Settings
) -> None:
    settings.MAX_CLAIMS = 2
    generation, attempt = a_submitted(access)
    assert lifecycle.hand_back(generation, 30, attempt=attempt, outcome="busy", cost_micros=3)
    row = Generation.objects.get(pk=generation.pk)
    assert (row.status, row.submitted, row.lease_until, row.rings) == ("queued", False, None, 0)
    assert wallet_of(organization)[:2] == (85, 15)
    again = lifecycle.claim(generation.pk)
    assert again is not None
    assert lifecycle.hand_back(again, 30, error_type="upstream_unavailable")
    assert status_of(generation) == ("failed", "upstream_unavailable")
    assert settlements_of(generation) == ["release"]
    assert books_are_right()


def test_progress_only_grows_and_renews_the_lease(access: Access) -> None:
    generation = a_claimed(access)
    for said, shown in ((30, 30), (10, 30), (400, 99), (-5, 99)):
        age(generation, lease_until=-1)
        assert lifecycle.report_progress(generation, said)
        row = Generation.objects.get(pk=generation.pk)
        assert row.progress == shown
        assert row.lease_until is not None
        assert row.started_at is not None
        assert (row.lease_until - row.started_at).total_seconds() > 50


# --- Ending from outside -------------------------------------------------------------------------


@pytest.mark.parametrize("running", [False, True])
def test_cancel_ends_an_open_generation_at_once(
    organization: Organization, access: Access, running: bool
) -> None:
    generation = a_claimed(access) if running else a_generation(access)
    lifecycle.cancel(generation)
    assert status_of(generation) == ("canceled", "canceled")
    assert wallet_of(organization)[:2] == (100, 0)
    assert open_tasks_of(organization) == 0
    with pytest.raises(AlreadyEnded):
        lifecycle.cancel(generation)
    assert settlements_of(generation) == ["release"]


def test_only_what_is_past_its_deadline_expires(organization: Organization, access: Access) -> None:
    generation = a_claimed(access)
    assert not lifecycle.expire(generation)
    age(generation, deadline_at=1)
    assert lifecycle.expire(generation)
    assert status_of(generation) == ("failed", "timeout")
    assert not lifecycle.expire(generation)
    assert settlements_of(generation) == ["release"]
    assert wallet_of(organization)[:2] == (100, 0)


def test_a_success_just_before_the_sweep_counts_although_its_deadline_passed(access: Access) -> None:
    generation, attempt = a_submitted(access)
    age(generation, deadline_at=1, lease_until=1)
    assert lifecycle.succeed(generation, attempt, stored_images(generation, 1))
    assert not lifecycle.expire(generation)
    assert settlements_of(generation) == ["capture"]


# --- Late workers --------------------------------------------------------------------------------


def taken_over(access: Access) -> tuple[Generation, Attempt]:
    """What a worker still holds in its hands after another has claimed its generation."""
    generation, attempt = a_submitted(access)
    assert lost(generation)
    assert lifecycle.claim(generation.pk) is not None
    return generation, attempt


def canceled(access: Access) -> tuple[Generation, Attempt]:
    generation, attempt = a_submitted(access)
    lifecycle.cancel(generation)
    return generation, attempt


@pytest.mark.parametrize("lose", [taken_over, canceled])
def test_a_late_worker_changes_nothing(
    access: Access, lose: Callable[[Access], tuple[Generation, Attempt]]
) -> None:
    generation, attempt = lose(access)
    before = Generation.objects.values().get(pk=generation.pk)
    entries = settlements_of(generation)
    assert not lifecycle.report_progress(generation, 50)
    assert not lifecycle.renew(generation)
    assert lifecycle.mark_submitted(generation, "sandbox") is None
    assert not lifecycle.leave_to_deadline(generation)
    assert not lifecycle.hand_back(generation, 0)
    assert not lifecycle.fail(generation, "generation_failed")
    assert not lifecycle.succeed(generation, attempt, stored_images(generation, 1), cost_micros=9)
    assert Generation.objects.values().get(pk=generation.pk) == before
    assert not Image.objects.exists()
    assert settlements_of(generation) == entries
    booked = Attempt.objects.values_list("outcome", "cost_micros").get(pk=attempt.pk)
    assert booked == (("canceled_cost", 9) if lose is canceled else ("", 0)), (
        "Open, it belongs to who took over"
    )
    assert books_are_right()


def test_who_took_an_attempt_over_states_its_outcome(access: Access) -> None:
    late, attempt = taken_over(access)
    now = Generation.objects.get(pk=late.pk)
    driven = lifecycle.mark_submitted(now, attempt.provider)
    assert driven == attempt
    assert not lifecycle.succeed(late, attempt, stored_images(late, 1), cost_micros=9)
    assert lifecycle.succeed(now, attempt, stored_images(now, 1), cost_micros=9)
    assert Attempt.objects.values_list("outcome", "cost_micros").get() == ("ok", 9)


@pytest.mark.parametrize("ended_by", ["cancel", "deadline"])
def test_an_attempt_whose_worker_never_came_back_is_closed_as_unknown(access: Access, ended_by: str) -> None:
    generation, _attempt = a_submitted(access)
    if ended_by == "cancel":
        lifecycle.cancel(generation)
    else:
        age(generation, deadline_at=1)
        assert lifecycle.expire(generation)
    [attempt] = Attempt.objects.all()
    assert (attempt.outcome, attempt.finished_at is not None) == ("unknown", True)


def test_a_claim_that_stalled_never_takes_the_next_workers_fence(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = a_generation(access)
    lease = shared.lease

    def stall_once() -> object:
        """Between this worker's look and its write, another claims the row, loses it, and it is queued again."""
        monkeypatch.setattr(working, "lease", lease)
        other = lifecycle.claim(generation.pk)
        assert other is not None
        age(generation, lease_until=1)
        assert lifecycle.hand_back(Generation.objects.get(pk=generation.pk), 0, lost=True)
        return lease()

    monkeypatch.setattr(working, "lease", stall_once)
    assert lifecycle.claim(generation.pk) is None
    assert Generation.objects.get(pk=generation.pk).claim == 1


@pytest.mark.parametrize("end", ["fail", "hand_back"])
def test_the_attempt_of_a_late_worker_says_so(access: Access, end: str) -> None:
    generation, attempt = canceled(access)
    if end == "fail":
        assert not lifecycle.fail(generation, "x", attempt=attempt, outcome="failed", cost_micros=4)
    else:
        assert not lifecycle.hand_back(generation, 0, attempt=attempt, outcome="busy", cost_micros=4)
    assert Attempt.objects.values_list("outcome", "cost_micros").get() == ("canceled_cost", 4)


def test_a_worker_that_renews_late_keeps_what_a_sweep_was_about_to_take(access: Access) -> None:
    """The sweep reads the lost rows first and changes them after; the lease may be renewed in between."""
    generation, _attempt = a_submitted(access)
    age(generation, lease_until=1)
    as_the_sweep_read_it = Generation.objects.get(pk=generation.pk)
    assert lifecycle.renew(generation)
    assert not lifecycle.hand_back(as_the_sweep_read_it, 0, lost=True)
    assert not lifecycle.leave_to_deadline(as_the_sweep_read_it)
    assert status_of(generation) == ("running", "")


def test_what_was_submitted_meanwhile_is_not_taken_as_never_submitted(access: Access) -> None:
    generation = a_claimed(access)
    as_the_sweep_read_it = Generation.objects.get(pk=generation.pk)
    assert lifecycle.mark_submitted(generation, "sandbox") is not None
    age(generation, lease_until=1)
    assert not lifecycle.hand_back(as_the_sweep_read_it, 0, lost=True)
    assert status_of(generation) == ("running", "")
