"""An order at an upstream, from its beginning to whatever end; and what is booked of those that outlive it."""

from pathlib import Path

import pytest
from django.db import IntegrityError
from pytest_django import Settings

from accounts.access import Access
from accounts.models import Organization
from generations import circuit, exchange, lifecycle, polling, storage, sweeps
from generations.errors import AlreadyEnded, TooLateToCancel
from generations.models import Attempt, Generation, PaidCancels, Upstream, UpstreamState
from generations.providers.base import OutcomeKind
from generations.providers.wire import Answer
from tests.generations.kept_images import files, keep_images_in
from tests.makers import (
    a_generation,
    age,
    an_organization,
    an_upstream,
    books_are_right,
    settlements_of,
    status_of,
    stored_images,
    wallet_of,
)
from tests.upstream.server import picture

pytestmark = pytest.mark.django_db
COST_MICROS = 5000


@pytest.fixture
def organization(db: None) -> Organization:
    return an_organization(10_000)


def at(access: Access, provider: str = "portal", **fields: object) -> Attempt:
    """An order that is being sent to a new upstream."""
    upstream = an_upstream(provider, cost_micros=COST_MICROS, **fields)
    attempt = lifecycle.begin(a_generation(access), upstream)
    assert attempt is not None
    return attempt


def checked_picture() -> storage.CheckedImage:
    return storage.check(picture(256, 256))


def accept(attempt: Attempt, name: str = "up-1") -> Attempt:
    answer = Answer(OutcomeKind.WAIT, handle={"task_id": name}, task_id=name)
    assert lifecycle.accepted(attempt, answer, 1)
    return again(attempt)


def again(attempt: Attempt) -> Attempt:
    return Attempt.objects.select_related("generation", "upstream").get(pk=attempt.pk)


def booked(attempt: Attempt) -> tuple[str, int]:
    row = again(attempt)
    return row.outcome, row.cost_micros


def in_flight(attempt: Attempt) -> int:
    return UpstreamState.objects.get(pk=attempt.upstream_id).in_flight


# --- Beginning ----------------------------------------------------------------------------------


def test_it_is_claimed_recorded_and_counted_before_anything_is_sent(access: Access) -> None:
    attempt = at(access)
    row = Generation.objects.get(pk=attempt.generation_id)
    assert (row.status, row.claim, row.submitted, row.seed) == ("running", 1, True, attempt.generation.seed)
    assert row.seed is not None
    assert (attempt.number, attempt.provider, attempt.possible_cost_micros) == (1, "portal", COST_MICROS)
    assert in_flight(attempt) == 1


def test_who_comes_second_gets_nothing(access: Access) -> None:
    upstream = an_upstream()
    generation = a_generation(access)
    stale = Generation.objects.get(pk=generation.pk)
    assert lifecycle.begin(generation, upstream) is not None
    assert lifecycle.begin(stale, upstream) is None
    assert UpstreamState.objects.get(pk=upstream.pk).in_flight == 1


def test_price_by_the_megapixel_is_rounded_up_and_whole(db: None) -> None:
    upstream = Upstream(cost_micros=5000, cost_unit="megapixel")
    assert upstream.cost_of(1024, 1024, 1) == 5243
    assert upstream.cost_of(1000, 1000, 2) == 10_000
    assert Upstream(cost_micros=5000).cost_of(256, 256, 3) == 15_000


def test_success_charges_the_customer_and_books_our_cost(organization: Organization, access: Access) -> None:
    attempt = accept(at(access))
    assert lifecycle.take_delivery(attempt)
    images = stored_images(attempt.generation, 1)
    assert lifecycle.succeed(attempt.generation, attempt, images, cost_micros=COST_MICROS)
    assert booked(attempt) == ("ok", COST_MICROS)
    assert settlements_of(attempt.generation) == ["capture"]
    assert wallet_of(organization)[:2] == (9985, 0)
    assert in_flight(attempt) == 0
    assert again(attempt).poll_at is None
    assert books_are_right()


def test_only_one_worker_fetches_a_result(access: Access) -> None:
    attempt = accept(at(access))
    first, second = again(attempt), again(attempt)
    assert lifecycle.take_delivery(first)
    assert not lifecycle.take_delivery(second)


def test_two_orders_never_are_the_same_task_there(access: Access) -> None:
    first = accept(at(access), "up-1")
    assert first.upstream is not None
    second = lifecycle.begin(a_generation(access), first.upstream)
    assert second is not None
    answer = Answer(OutcomeKind.WAIT, handle={}, task_id="up-1")
    with pytest.raises(IntegrityError):
        lifecycle.accepted(second, answer, 1)


# --- The answer was lost ------------------------------------------------------------------------


def lose_worker(attempt: Attempt) -> None:
    age(attempt.generation, lease_until=1)
    sweeps.drive_again()


def test_where_it_may_be_sent_again_it_is_under_the_same_key(access: Access) -> None:
    attempt = at(access, resends=True)
    key = attempt.key
    lose_worker(attempt)
    assert status_of(attempt.generation)[0] == "queued"
    assert in_flight(attempt) == 1
    assert attempt.upstream is not None
    resent = lifecycle.begin(Generation.objects.get(pk=attempt.generation_id), attempt.upstream)
    assert resent is not None
    assert (resent.pk, resent.key, resent.sends) == (attempt.pk, key, 2)
    assert in_flight(attempt) == 1


def test_what_kills_every_worker_is_not_sent_for_ever(access: Access, settings: Settings) -> None:
    attempt = at(access, resends=True)
    for _ in range(settings.MAX_CLAIMS - 1):
        lose_worker(attempt)
        assert attempt.upstream is not None
        resent = lifecycle.begin(Generation.objects.get(pk=attempt.generation_id), attempt.upstream)
        assert resent is not None
    lose_worker(attempt)
    assert status_of(attempt.generation) == ("failed", "generation_failed")
    assert booked(attempt) == ("orphan", COST_MICROS)
    assert settlements_of(attempt.generation) == ["release"]
    assert in_flight(attempt) == 0


def test_where_it_can_be_looked_up_it_is_asked_for(access: Access) -> None:
    attempt = at(access, "replicate")
    lose_worker(attempt)
    row = again(attempt)
    assert row.poll_at is not None
    assert (row.accepted_at, row.handle) == (None, {})
    assert status_of(attempt.generation)[0] == "running"


def test_where_neither_is_possible_it_is_never_sent_again_and_free(
    organization: Organization, access: Access
) -> None:
    attempt = at(access, "fal")
    lose_worker(attempt)
    sweeps.sweep()
    assert status_of(attempt.generation)[0] == "running", "The deadline decides"
    age(attempt.generation, deadline_at=1)
    sweeps.expire_overdue()
    assert status_of(attempt.generation) == ("failed", "timeout")
    assert wallet_of(organization)[:2] == (10_000, 0)
    assert booked(attempt) == ("", 0), "It may still be told of"
    age(attempt.generation, finished_at=1000)
    assert sweeps.give_up_orphans() == 1
    assert booked(attempt) == ("orphan", COST_MICROS)
    assert in_flight(attempt) == 0
    assert books_are_right()


def test_a_result_that_was_being_fetched_is_asked_for_again(access: Access) -> None:
    attempt = accept(at(access, "fal"))
    assert lifecycle.take_delivery(attempt)
    lose_worker(attempt)
    assert status_of(attempt.generation)[0] == "running"
    row = again(attempt)
    assert (row.outcome, row.poll_at is not None, row.sends) == ("", True, 1)
    assert row.generation.lease_until == row.generation.deadline_at


def test_an_answer_lost_on_the_way_ends_what_nobody_can_ask_about(access: Access) -> None:
    attempt = at(access, "openai_compatible")
    assert exchange.lose(exchange.Call.of(attempt, "z-image-turbo")) is None
    assert status_of(attempt.generation) == ("failed", "generation_failed")
    assert booked(attempt) == ("orphan", COST_MICROS)


def test_a_slow_worker_delivers_nothing_once_a_sweep_has_taken_its_files(
    organization: Organization, access: Access, tmp_path: Path, settings: Settings
) -> None:
    keep_images_in(tmp_path, settings)
    attempt = accept(at(access))
    assert lifecycle.take_delivery(attempt)
    generation = attempt.generation
    [image] = stored_images(generation, 1)
    key = storage.store(generation.task_id, generation.claim, 0, checked_picture())
    lose_worker(attempt)
    assert files(tmp_path) == 0
    late = lifecycle.Stored(0, key, image.image)
    assert not lifecycle.succeed(generation, attempt, [late], cost_micros=COST_MICROS)
    assert settlements_of(generation) == []
    assert status_of(generation)[0] == "running"
    assert again(attempt).poll_at is not None
    assert wallet_of(organization)[:2] == (9985, 15)


def test_a_worker_lost_with_a_call_that_nobody_can_ask_about_gives_its_place_back(access: Access) -> None:
    attempt = at(access, "openai_compatible")
    lose_worker(attempt)
    assert status_of(attempt.generation) == ("failed", "generation_failed")
    assert booked(attempt) == ("orphan", COST_MICROS)
    assert in_flight(attempt) == 0
    assert books_are_right()


def test_news_during_the_delivery_do_not_take_it_from_who_has_it(access: Access) -> None:
    attempt = accept(at(access))
    assert lifecycle.take_delivery(attempt)
    assert polling.ask_now(attempt.generation.task_id, 1) is not None
    assert polling.take_due(5) == []
    images = stored_images(attempt.generation, 1)
    assert lifecycle.succeed(attempt.generation, attempt, images, cost_micros=COST_MICROS)


# --- Canceled -----------------------------------------------------------------------------------


def test_cancel_is_free_and_asks_the_upstream_at_once(organization: Organization, access: Access) -> None:
    attempt = accept(at(access, "replicate"))
    lifecycle.cancel(attempt.generation)
    assert wallet_of(organization)[:2] == (10_000, 0)
    assert [question.attempt.pk for question in polling.take_due(5)] == [attempt.pk]


def test_what_is_made_all_the_same_is_booked_as_cost_of_the_cancel(access: Access) -> None:
    attempt = accept(at(access))
    lifecycle.cancel(attempt.generation)
    lifecycle.book_late(attempt, OutcomeKind.OK, detail="", cost_micros=COST_MICROS)
    assert booked(attempt) == ("canceled_cost", COST_MICROS)
    assert in_flight(attempt) == 0
    assert settlements_of(attempt.generation) == ["release"]


def test_a_success_after_the_cancel_is_discarded_and_booked(access: Access, tmp_path: Path) -> None:
    attempt = accept(at(access))
    generation = attempt.generation
    lifecycle.cancel(generation)
    assert not lifecycle.take_delivery(attempt)
    assert not lifecycle.succeed(generation, attempt, stored_images(generation, 1), cost_micros=COST_MICROS)
    assert booked(attempt) == ("canceled_cost", COST_MICROS)
    assert status_of(generation) == ("canceled", "canceled")


def test_customers_cannot_open_a_circuit_by_canceling(access: Access) -> None:
    upstream = an_upstream("replicate", concurrency=100)
    for number in range(circuit.FAILURES_BEFORE_OPENING + 1):
        attempt = lifecycle.begin(a_generation(access), upstream)
        assert attempt is not None
        accept(attempt, f"up-{number}")
        lifecycle.cancel(attempt.generation)
        lifecycle.book_late(attempt, OutcomeKind.TIMEOUT, detail="canceled", cost_micros=0)
        assert booked(attempt) == ("canceled", 0)
    state = UpstreamState.objects.get(pk=upstream.pk)
    assert (state.failures, state.opened_at, state.in_flight) == (0, None, 0)


def test_so_many_paid_cancels_a_day_and_no_more(access: Access, settings: Settings) -> None:
    settings.MAX_PAID_CANCELS = 2
    attempts = [accept(at(access), f"up-{number}") for number in range(4)]
    for attempt in attempts[:2]:
        lifecycle.cancel(attempt.generation)
    with pytest.raises(TooLateToCancel):
        lifecycle.cancel(attempts[2].generation)
    assert status_of(attempts[2].generation)[0] == "running"
    lifecycle.cancel(a_generation(access))  # a queued one costs nobody anything
    PaidCancels.objects.update(on="2020-01-01")
    lifecycle.cancel(attempts[3].generation)
    with pytest.raises(AlreadyEnded):
        lifecycle.cancel(attempts[3].generation)
    assert books_are_right()


def test_an_unheard_submission_of_a_canceled_order_becomes_an_orphan(access: Access) -> None:
    attempt = at(access)
    lifecycle.cancel(attempt.generation)
    sweeps.sweep()
    assert booked(attempt) == ("", 0)
    age(attempt.generation, finished_at=1000)
    sweeps.sweep()
    assert booked(attempt) == ("orphan", COST_MICROS)


def test_what_was_given_up_for_unknown_is_booked_right_once_it_is_known(access: Access) -> None:
    attempt = at(access)
    lifecycle.cancel(attempt.generation)
    assert lifecycle.orphan(attempt, "nobody said")
    assert not lifecycle.fail(attempt.generation, "x", attempt=attempt, outcome="failed", cost_micros=0)
    assert booked(attempt) == ("canceled", 0)
    assert in_flight(attempt) == 0


# --- Nobody has a place -------------------------------------------------------------------------


def test_parked_orders_keep_their_claim_and_are_rung_later(access: Access) -> None:
    generation = a_generation(access)
    assert lifecycle.park(generation, 15)
    row = Generation.objects.get(pk=generation.pk)
    assert (row.status, row.claim) == ("queued", 0)
    assert row.dispatch_after > generation.created_at


def test_an_order_that_nobody_will_make_is_released_at_once(
    organization: Organization, access: Access
) -> None:
    generation = a_generation(access)
    assert lifecycle.give_up(generation, "upstream_unavailable")
    assert not lifecycle.give_up(generation, "upstream_unavailable")
    assert status_of(generation) == ("failed", "upstream_unavailable")
    assert wallet_of(organization)[:2] == (10_000, 0)
