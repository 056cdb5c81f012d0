"""Orders of test keys are free and may take long: they leave threads to those that are paid for."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import Organization
from generations import doorbell, runner, sweeps
from generations.models import Generation
from generations.providers.base import Job, OnProgress, Outcome, OutcomeKind
from tests.generations.providers import Upstream, upstream
from tests.makers import a_generation, an_access, an_organization, status_of
from tests.waiting import wait_until

THREADS = 4
HALF = THREADS // 2
Work = Callable[[Generation], "Future[bool]"]


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> list[int]:
    """The ids that are rung for."""
    settings.WORKER_CONCURRENCY = THREADS
    heard: list[int] = []
    monkeypatch.setattr(doorbell, "ring", heard.append)
    return heard


@pytest.fixture
def organization(committed_db: None) -> Organization:
    return an_organization(100)


@pytest.fixture
def work() -> Iterator[Work]:
    """What a worker's thread does when it hears a ring."""

    def run(generation: Generation) -> bool:
        try:
            return runner.run(generation.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        yield lambda generation: pool.submit(run, generation)


class Slow:
    """Holds the orders of test keys until `go_on`."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self.go_on = threading.Event()

    def answer(self, job: Job, _progress: OnProgress) -> Outcome:
        if not Generation.objects.get(task_id=job.task_id).livemode:
            connection.close()
            self.held.append(job.task_id)
            assert self.go_on.wait(30)
        return Outcome(OutcomeKind.FAILED)


def test_half_of_the_threads_are_left_to_paid_orders(
    organization: Organization, rung: list[int], work: Work
) -> None:
    live, test = an_access(organization), an_access(organization, livemode=False)
    free = [a_generation(test) for _ in range(THREADS)]
    paid = a_generation(live)
    rung.clear()
    slow = Slow()
    with upstream(Upstream(slow.answer)):
        working = [work(generation) for generation in free[:HALF]]
        try:
            wait_until(lambda: len(slow.held) == HALF, "as many as may")
            assert [work(generation).result(30) for generation in free[HALF:]] == [False] * HALF
            assert {status_of(generation)[0] for generation in free[HALF:]} == {"queued"}
            assert work(paid).result(30)
            assert status_of(paid)[0] == "failed"
            assert rung == []
            assert sweeps.ring_again() == 0, "Not rung for again and again meanwhile"
        finally:
            slow.go_on.set()
        assert [one.result(30) for one in working] == [True] * HALF
        assert set(rung) == {generation.pk for generation in free[HALF:]}, "Whoever leaves a place calls"
        assert all(work(generation).result(30) for generation in free[HALF:])
    assert {status_of(generation)[0] for generation in free} == {"failed"}


def test_nobody_is_called_where_nobody_was_turned_away(
    organization: Organization, rung: list[int], work: Work
) -> None:
    made, other = (a_generation(an_access(organization, livemode=False)) for _ in range(2))
    rung.clear()
    with upstream(Upstream(lambda _job, _progress: Outcome(OutcomeKind.FAILED))):
        assert work(made).result(30)
    assert rung == []
    assert status_of(other)[0] == "queued"
