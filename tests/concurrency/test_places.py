"""Places of upstreams, paid cancels and questions, when everybody wants them at once."""

import threading

from django.db import connection
from django.db.models import F
from pytest_django import Settings

from accounts.models import Organization
from billing.models import Wallet
from generations import circuit, lifecycle, polling
from generations.models import Attempt, Generation, PaidCancels, UpstreamState
from generations.providers.base import OutcomeKind
from generations.providers.wire import Answer
from tests.concurrency.conftest import RUNNERS
from tests.concurrency.outcomes import assert_books_are_right, tally
from tests.makers import a_generation, an_access, an_organization, an_upstream
from tests.threads import together

PLACES = 5


def orders(count: int, settings: Settings) -> tuple[Organization, list[Generation]]:
    settings.MAX_OPEN_TASKS = 10_000
    organization = an_organization(100_000)
    Wallet.objects.update(open_limit=10_000)
    access = an_access(organization)
    return organization, [a_generation(access) for _ in range(count)]


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


def test_half_open_lets_one_probe_through(race_db: None, settings: Settings) -> None:
    upstream = an_upstream(concurrency=RUNNERS)
    _organization, waiting = orders(RUNNERS + 1, settings)
    first = lifecycle.begin(waiting.pop(), upstream)
    assert first is not None
    assert lifecycle.fail(first.generation, "x", attempt=first, outcome="account")
    pause = F("open_until") - F("opened_at")
    UpstreamState.objects.update(opened_at=F("opened_at") - pause, open_until=F("open_until") - pause)
    connection.close()

    def begin(index: int) -> bool:
        return lifecycle.begin(waiting[index], upstream) is not None

    assert tally(together(RUNNERS, begin)) == {"True": 1, "NoPlace": RUNNERS - 1}


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


def test_every_question_is_taken_by_one_of_many_pollers(race_db: None, settings: Settings) -> None:
    upstream = an_upstream(concurrency=100, polls_per_second=10_000)
    _organization, waiting = orders(40, settings)
    for number, generation in enumerate(waiting):
        attempt = lifecycle.begin(generation, upstream)
        assert attempt is not None
        answer = Answer(OutcomeKind.WAIT, handle={}, task_id=f"up-{number}")
        assert lifecycle.accepted(attempt, answer, 0)
    connection.close()
    taken = together(8, lambda _index: [question.attempt.pk for question in polling.take_due(100)])
    asked = [pk for part in taken if isinstance(part, list) for pk in part]
    assert [part for part in taken if isinstance(part, Exception)] == []
    assert sorted(asked) == sorted(Attempt.objects.values_list("pk", flat=True))
