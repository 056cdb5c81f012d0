"""Places of upstreams, paid cancels and questions, when everybody wants them at once."""

import datetime
import threading

from django.db import connection
from django.db.models import F
from pytest_django import Settings

from accounts.clock import db_now
from accounts.models import Organization
from billing.models import Wallet
from generations import circuit, lifecycle, polling
from generations.errors import AlreadyEnded
from generations.lifecycle import ending
from generations.models import OPEN, Attempt, Generation, PaidCancels, Upstream, UpstreamState
from generations.providers.base import OutcomeKind
from generations.providers.wire import Answer
from tests.concurrency.conftest import RUNNERS
from tests.concurrency.outcomes import assert_books_are_right, tally
from tests.makers import a_generation, an_access, an_organization, an_upstream, status_of, stored_images
from tests.scale import count
from tests.threads import together

PLACES = 5


def orders(number: int, settings: Settings) -> tuple[Organization, list[Generation]]:
    settings.MAX_OPEN_TASKS = 10_000
    organization = an_organization(100_000)
    Wallet.objects.update(open_limit=10_000)
    access = an_access(organization)
    return organization, [a_generation(access) for _ in range(number)]


def test_an_upstream_never_gets_more_at_once_than_it_has_places(race_db: None, settings: Settings) -> None:
    upstream = an_upstream(concurrency=PLACES)
    _organization, waiting = orders(RUNNERS, settings)

    def begin(index: int) -> bool:
        return lifecycle.begin(waiting[index], upstream) is not None

    assert tally(together(RUNNERS, begin)) == {"True": PLACES, "NoPlace": RUNNERS - PLACES}
    assert Attempt.objects.count() == PLACES
    assert Generation.objects.filter(status="queued", claim=0).count() == RUNNERS - PLACES
    assert_books_are_right()


def test_looking_for_a_place_first_takes_too_many_control(race_db: None) -> None:
    upstream = an_upstream(concurrency=PLACES)
    everybody_has_looked = threading.Barrier(RUNNERS)

    def take_naively(_index: int) -> bool:
        free = UpstreamState.objects.get(pk=upstream.pk).in_flight < PLACES
        connection.close()
        everybody_has_looked.wait(30)
        return free and bool(
            UpstreamState.objects.filter(pk=upstream.pk).update(in_flight=F("in_flight") + 1)
        )

    assert tally(together(RUNNERS, take_naively)) == {"True": RUNNERS}


def half_open(waiting: int, settings: Settings) -> tuple[Upstream, list[Generation]]:
    """One whose pause is over, and so many orders for it."""
    upstream = an_upstream(concurrency=RUNNERS)
    _organization, made = orders(waiting + 1, settings)
    first = lifecycle.begin(made.pop(), upstream)
    assert first is not None
    assert lifecycle.fail(first.generation, "x", attempt=first, outcome="account")
    pause = F("open_until") - F("opened_at")
    UpstreamState.objects.update(opened_at=F("opened_at") - pause, open_until=F("open_until") - pause)
    connection.close()
    return upstream, made


def test_half_open_lets_one_probe_through(race_db: None, settings: Settings) -> None:
    upstream, waiting = half_open(RUNNERS, settings)

    def begin(index: int) -> bool:
        return lifecycle.begin(waiting[index], upstream) is not None

    assert tally(together(RUNNERS, begin)) == {"True": 1, "NoPlace": RUNNERS - 1}


def test_looking_for_a_probe_first_sends_everybody_control(race_db: None, settings: Settings) -> None:
    upstream, _waiting = half_open(0, settings)
    everybody_has_looked = threading.Barrier(RUNNERS)

    def probe_naively(_index: int) -> bool:
        state = UpstreamState.objects.filter(pk=upstream.pk)
        is_free = state.filter(open_until__lte=db_now(), probe_until=None).exists()
        connection.close()
        everybody_has_looked.wait(30)
        probe_until = db_now() + datetime.timedelta(seconds=circuit.PROBE_S)
        return is_free and bool(state.update(in_flight=F("in_flight") + 1, probe_until=probe_until))

    assert tally(together(RUNNERS, probe_naively)) == {"True": RUNNERS}
    assert UpstreamState.objects.get(pk=upstream.pk).in_flight == RUNNERS


def test_ends_at_once_count_every_failure_and_open_once(race_db: None, settings: Settings) -> None:
    upstream = an_upstream(concurrency=RUNNERS)
    _organization, waiting = orders(RUNNERS, settings)
    begun = [lifecycle.begin(generation, upstream) for generation in waiting]
    connection.close()

    def fail(index: int) -> bool:
        attempt = begun[index]
        assert attempt is not None
        return lifecycle.fail(attempt.generation, "x", attempt=attempt, outcome="failed")

    assert tally(together(RUNNERS, fail)) == {"True": RUNNERS}
    state = UpstreamState.objects.get(pk=upstream.pk)
    assert (state.in_flight, state.openings, state.reason) == (0, 1, circuit.FAILING)
    assert state.failures == RUNNERS
    assert_books_are_right()


def test_failures_that_are_counted_from_what_was_read_never_open_control(race_db: None) -> None:
    upstream, number = an_upstream(), circuit.FAILURES_BEFORE_OPENING
    connection.close()
    everybody_has_read = threading.Barrier(number)

    def fail_naively(_index: int) -> bool:
        state = UpstreamState.objects.get(pk=upstream.pk)  # without the lock of leave_place()
        connection.close()
        everybody_has_read.wait(30)
        circuit._fail(state, OutcomeKind.FAILED, "x", begun_at=None)
        return True

    assert tally(together(number, fail_naively)) == {"True": number}
    state = UpstreamState.objects.get(pk=upstream.pk)
    assert (state.failures, state.opened_at) == (1, None)


def test_paid_cancels_at_once_stay_within_the_day_s_limit(race_db: None, settings: Settings) -> None:
    settings.MAX_PAID_CANCELS = PLACES
    upstream = an_upstream(concurrency=RUNNERS, cost_micros=5000)
    organization, waiting = orders(RUNNERS, settings)
    for generation in waiting:
        assert lifecycle.begin(generation, upstream) is not None
    connection.close()

    def cancel(index: int) -> bool:
        lifecycle.cancel(waiting[index])
        return True

    assert tally(together(RUNNERS, cancel)) == {"True": PLACES, "TooLateToCancel": RUNNERS - PLACES}
    assert PaidCancels.objects.get(organization=organization).count == PLACES
    assert_books_are_right()


def test_counting_the_day_s_cancels_first_passes_their_limit_control(
    race_db: None, settings: Settings
) -> None:
    runners = 2 * PLACES
    settings.MAX_PAID_CANCELS = runners  # what decides is what everybody has read
    upstream = an_upstream(concurrency=runners, cost_micros=5000)
    organization, waiting = orders(runners, settings)
    for generation in waiting:
        assert lifecycle.begin(generation, upstream) is not None
    connection.close()
    everybody_has_counted = threading.Barrier(runners)

    def cancel_naively(index: int) -> bool:
        is_used_up = PaidCancels.objects.filter(organization=organization, count__gte=PLACES).exists()
        connection.close()
        everybody_has_counted.wait(30)
        if is_used_up:
            return False
        lifecycle.cancel(waiting[index])
        return True

    assert tally(together(runners, cancel_naively)) == {"True": runners}
    assert PaidCancels.objects.get(organization=organization).count == runners


def test_a_cancel_that_races_a_delivery_counts_where_it_won(race_db: None, settings: Settings) -> None:
    upstream = an_upstream(cost_micros=5000)
    organization, waiting = orders(count(10, 100), settings)
    settings.MAX_PAID_CANCELS = len(waiting)
    ended: list[object] = []
    for generation in waiting:
        attempt = lifecycle.begin(generation, upstream)
        assert attempt is not None
        connection.close()

        def end(index: int, generation: Generation = generation, attempt: Attempt = attempt) -> str:
            if index:
                images = stored_images(generation, 1)
                return "delivered" if lifecycle.succeed(generation, attempt, images) else "late"
            try:
                lifecycle.cancel(generation)
            except AlreadyEnded:
                return "late"
            return "canceled"

        ended += [outcome for outcome in together(2, end) if outcome != "late"]
    assert len(ended) == len(waiting), ended
    counted = PaidCancels.objects.filter(organization=organization)
    assert sum(counted.values_list("count", flat=True)) == ended.count("canceled")
    assert UpstreamState.objects.get(pk=upstream.pk).in_flight == 0
    assert_books_are_right()


def test_reading_that_it_is_open_first_counts_a_cancel_of_what_was_paid_control(
    race_db: None, settings: Settings
) -> None:
    upstream = an_upstream(cost_micros=5000)
    organization, [generation] = orders(1, settings)
    attempt = lifecycle.begin(generation, upstream)
    assert attempt is not None
    connection.close()
    cancel_has_read, it_is_delivered = threading.Event(), threading.Event()

    def end_naively(index: int) -> bool:
        if index:
            assert cancel_has_read.wait(30)
            is_delivered = lifecycle.succeed(generation, attempt, stored_images(generation, 1))
            it_is_delivered.set()
            return is_delivered
        is_open = Generation.objects.filter(pk=generation.pk, status__in=OPEN).exists()
        connection.close()
        cancel_has_read.set()
        assert it_is_delivered.wait(30)
        if is_open:
            ending._count_paid_cancel(organization.pk)
        return is_open

    assert together(2, end_naively) == [True, True]
    assert status_of(generation) == ("succeeded", "")
    assert PaidCancels.objects.get(organization=organization).count == 1


def asked_about(number: int, settings: Settings) -> None:
    """So many orders that their upstream has, each of which it is to be asked about now."""
    upstream = an_upstream(concurrency=100, polls_per_second=10_000)
    _organization, waiting = orders(number, settings)
    for position, generation in enumerate(waiting):
        attempt = lifecycle.begin(generation, upstream)
        assert attempt is not None
        answer = Answer(OutcomeKind.WAIT, handle={}, task_id=f"up-{position}")
        assert lifecycle.accepted(attempt, answer, 0)
    connection.close()


def test_every_question_is_taken_by_one_of_many_pollers(race_db: None, settings: Settings) -> None:
    asked_about(40, settings)
    taken = together(8, lambda _index: [question.attempt.pk for question in polling.take_due(100)])
    asked = [pk for part in taken if isinstance(part, list) for pk in part]
    assert [part for part in taken if isinstance(part, Exception)] == []
    assert sorted(asked) == sorted(Attempt.objects.values_list("pk", flat=True))


def test_taking_a_question_that_was_due_when_it_was_read_puts_it_many_times_control(
    race_db: None, settings: Settings
) -> None:
    asked_about(1, settings)
    pollers = 8
    everybody_has_read = threading.Barrier(pollers)

    def take_naively(_index: int) -> int:
        due = list(polling.open_attempts().filter(poll_at__lte=db_now()).values_list("pk", flat=True))
        connection.close()
        everybody_has_read.wait(30)
        hold = datetime.timedelta(seconds=polling.HOLD_S)
        mine = Attempt.objects.filter(pk__in=due)  # whether or not they are still due
        return mine.update(poll_at=db_now() + hold, polls=F("polls") + 1)

    assert tally(together(pollers, take_naively)) == {"1": pollers}
    assert Attempt.objects.get().polls == pollers
