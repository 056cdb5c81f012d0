"""Which orders are asked about, when, and by whom."""

import datetime

import pytest
from pytest_django import Settings

from accounts.access import Access
from accounts.clock import read_db_now
from generations import lifecycle, polling, sweeps
from generations.models import Attempt, Generation, Upstream, UpstreamState
from generations.polling import NotYet
from generations.providers.base import OutcomeKind
from generations.providers.wire import Answer
from tests.makers import a_generation, age, an_access, an_organization, an_upstream, status_of

pytestmark = pytest.mark.django_db
ACCEPTED = Answer(OutcomeKind.WAIT, handle={"task_id": "up-1"}, task_id="up-1")


@pytest.fixture
def access(db: None, settings: Settings) -> Access:
    settings.MAX_OPEN_TASKS = 1000
    return an_access(an_organization(10_000))


@pytest.fixture
def upstream(db: None) -> Upstream:
    return an_upstream(concurrency=100, polls_per_second=10)


def accepted(access: Access, upstream: Upstream, *, name: str = "up-1", ask_in_s: float = 0) -> Attempt:
    attempt = lifecycle.begin(a_generation(access), upstream)
    assert attempt is not None
    answer = Answer(OutcomeKind.WAIT, handle={"task_id": name}, task_id=name)
    assert lifecycle.accepted(attempt, answer, ask_in_s)
    attempt.refresh_from_db()
    return attempt


def due_in_s(attempt: Attempt) -> float:
    attempt.refresh_from_db()
    assert attempt.poll_at is not None
    return (attempt.poll_at - read_db_now()).total_seconds()


def test_a_question_is_one_asker_s_alone(access: Access, upstream: Upstream) -> None:
    attempt = accepted(access, upstream)
    [question] = polling.take_due(10)
    assert (question.attempt.pk, question.attempt.polls, question.attempt.handle) == (
        attempt.pk,
        1,
        {"task_id": "up-1"},
    )
    assert polling.take_due(10) == []


def test_of_an_asker_that_died_it_is_asked_again(access: Access, upstream: Upstream) -> None:
    attempt = accepted(access, upstream)
    [dead] = polling.take_due(10)
    assert 25 < due_in_s(attempt) <= polling.HOLD_S
    age(attempt, poll_at=1)
    [alive] = polling.take_due(10)
    polling.put_back([NotYet(dead, 100)])  # comes back late
    assert due_in_s(attempt) <= polling.HOLD_S
    polling.put_back([NotYet(alive, 5, {"task_id": "up-1", "stage": "2"}, 40)])
    assert 4 < due_in_s(attempt) <= 5
    assert attempt.handle == {"task_id": "up-1", "stage": "2"}
    assert Generation.objects.get(pk=attempt.generation_id).progress == 40


def test_nothing_is_asked_before_its_time_nor_after_its_end(access: Access, upstream: Upstream) -> None:
    accepted(access, upstream, ask_in_s=60)
    ended = accepted(access, upstream, name="up-2")
    assert lifecycle.fail(ended.generation, "x", attempt=ended, outcome="failed")
    assert polling.take_due(10) == []
    next_s = polling.next_due_s()
    assert next_s is not None
    assert 50 < next_s <= 60


def test_an_upstream_is_asked_as_fast_as_it_allows(access: Access, upstream: Upstream) -> None:
    other = an_upstream(polls_per_second=1000)
    for number in range(30):
        accepted(access, upstream, name=f"slow-{number}")
    accepted(access, other, name="quick")
    times = sorted(
        question.after_s for question in polling.take_due(100) if question.attempt.upstream_id == upstream.pk
    )
    assert len(times) == 20, "What is beyond the horizon is left for later"
    assert times == pytest.approx([number / 10 for number in range(20)], abs=0.05)
    others = polling.take_due(100)
    assert all(question.after_s > 1.5 for question in others), "Another worker gets later times"
    UpstreamState.objects.update(paced_until=read_db_now())
    assert len(polling.take_due(100)) == 10 - len(others)


def test_an_upstream_that_asks_for_a_pause_gets_it(access: Access, upstream: Upstream) -> None:
    accepted(access, upstream)
    polling.slow_down(upstream.pk, 30)
    polling.slow_down(upstream.pk, 1)
    assert polling.take_due(10) == []
    paced_until = UpstreamState.objects.get(pk=upstream.pk).paced_until
    assert paced_until is not None
    assert paced_until - read_db_now() > datetime.timedelta(seconds=25)


@pytest.mark.parametrize("pause_s", [0, 120])
def test_one_that_is_slow_or_paused_keeps_nobody_from_asking_the_others(
    access: Access, upstream: Upstream, pause_s: float
) -> None:
    for number in range(30):
        age(accepted(access, upstream, name=f"slow-{number}"), poll_at=50)
    other = accepted(access, an_upstream(polls_per_second=1000), name="quick")
    if pause_s:
        polling.slow_down(upstream.pk, pause_s)
    taken = [question.attempt.pk for question in polling.take_due(20)]
    assert other.pk in taken
    assert len(taken) == (1 if pause_s else 11), "Half of the room is the other's"


def test_news_make_it_due_at_once_even_while_it_is_being_asked(access: Access, upstream: Upstream) -> None:
    attempt = accepted(access, upstream, ask_in_s=60)
    assert polling.ask_now(attempt.generation.task_id, 1) is not None
    [question] = polling.take_due(10)
    assert polling.ask_now(attempt.generation.task_id, 1) is not None
    polling.put_back([NotYet(question, 5)])
    assert due_in_s(attempt) <= 0


def test_news_before_the_submission_is_answered_are_kept(access: Access, upstream: Upstream) -> None:
    attempt = lifecycle.begin(a_generation(access), upstream)
    assert attempt is not None
    assert polling.ask_now(attempt.generation.task_id, 1) is not None
    assert polling.take_due(10) == [], "There is nothing to ask with yet"
    assert lifecycle.accepted(attempt, ACCEPTED, 60)
    assert [question.attempt.pk for question in polling.take_due(10)] == [attempt.pk]


def test_news_of_what_has_ended_or_never_was_change_nothing(access: Access, upstream: Upstream) -> None:
    attempt = accepted(access, upstream)
    assert lifecycle.fail(attempt.generation, "x", attempt=attempt, outcome="failed")
    assert polling.ask_now(attempt.generation.task_id, 1) is None
    assert polling.ask_now("task_00000000000000000000000000", 1) is None


def test_the_longer_it_takes_the_more_seldom_it_is_asked(access: Access, upstream: Upstream) -> None:
    attempt = accepted(access, upstream)
    waits = []
    for polls in (0, 5, 100):
        attempt.polls = polls
        waits.append(polling.usual_wait_s(attempt))
    assert waits[0] == 1.0
    assert 1 < waits[1] < 5
    assert waits[2] == 5.0
    attempt.generation.status = "canceled"
    assert polling.usual_wait_s(attempt) == polling.LONGEST_AFTER_END_S


def test_overdue_questions_are_rung_for(
    access: Access, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []

    def heard(what: int) -> bool:
        rung.append(what)
        return True

    monkeypatch.setattr("generations.doorbell.publish", heard)
    attempt = accepted(access, upstream)
    assert not sweeps.ring_for_questions()
    age(attempt, poll_at=sweeps.OVERDUE_S + 1)
    assert sweeps.ring_for_questions()
    assert len(rung) == 1


def test_an_order_that_is_asked_about_is_nobody_s_and_never_lost(access: Access, upstream: Upstream) -> None:
    attempt = accepted(access, upstream)
    generation = Generation.objects.get(pk=attempt.generation_id)
    assert generation.lease_until == generation.deadline_at
    sweeps.sweep()
    assert status_of(generation) == ("running", "")
