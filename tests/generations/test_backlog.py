"""Orders that could only expire are refused: 503 with an honest Retry-After, before anything is held."""

import datetime

import pytest
from pytest_django import Settings

from accounts.clock import db_now
from billing import reads
from generations import backlog, lifecycle
from generations.backlog import Backlog
from generations.models import Generation, Status
from tests.accounts.client import error_of, generate, task_of
from tests.cast import Person, new_key
from tests.several import Place, a_shop, an_owner


@pytest.fixture
def key(alice: Person) -> str:
    return new_key(alice)[1]


@pytest.fixture
def _quick(settings: Settings) -> None:
    settings.DEADLINE_S = 100.0
    settings.WORKER_PROCESSES = settings.WORKER_CONCURRENCY = 1
    settings.CALL_TOTAL_S = 50.0


def wait_already(seconds: float) -> None:
    age = datetime.timedelta(seconds=seconds)
    Generation.objects.filter(status=Status.QUEUED).update(created_at=db_now() - age)
    backlog.forget()


@pytest.mark.usefixtures("_quick")
def test_order_is_taken_while_the_queue_moves_fast_enough(key: str) -> None:
    for _ in range(4):
        task_of(generate(key))
    wait_already(10)  # 4 waiting, at worst 50 s each: too slow, unless something ended meanwhile
    lifecycle.cancel(Generation.objects.latest("pk"))
    backlog.forget()
    error_of(generate(key), 503)  # that was nobody's work
    taken = lifecycle.claim(Generation.objects.earliest("pk").pk)
    assert taken is not None
    lifecycle.fail(taken, "generation_failed")
    backlog.forget()
    task_of(generate(key))


@pytest.mark.usefixtures("_quick")
def test_order_is_refused_when_more_wait_than_deadlines_allow(alice: Person, key: str) -> None:
    for _ in range(4):
        task_of(generate(key))
    before = reads.balance(alice.organization.pk)
    wait_already(30)
    refusal = generate(key)
    error = error_of(refusal, 503)
    assert error["type"] == "overloaded"
    # 4 x 50 s are 120 s more than the 80 s that a new order has
    assert error["retry_after"] == 120
    assert refusal["Retry-After"] == "120"
    assert reads.balance(alice.organization.pk) == before


@pytest.mark.usefixtures("_quick")
def test_burst_is_not_taken_for_a_jam(key: str) -> None:
    for _ in range(5):
        task_of(generate(key))
        backlog.forget()


@pytest.mark.usefixtures("_quick")
def test_one_order_that_nobody_takes_up_stops_the_shop(key: str) -> None:
    task_of(generate(key))
    wait_already(51)
    assert error_of(generate(key), 503)["retry_after"] == backlog.STUCK_RETRY_S


@pytest.mark.usefixtures("_quick")
def test_order_that_came_back_from_a_busy_upstream_is_no_jam(key: str) -> None:
    task_of(generate(key))
    Generation.objects.update(claim=1)
    wait_already(51)
    task_of(generate(key))


@pytest.mark.usefixtures("_quick")
def test_replay_is_answered_all_the_same(key: str) -> None:
    headers = {"Idempotency-Key": "once"}
    task = task_of(generate(key, headers=headers))
    wait_already(51)
    assert task_of(generate(key, headers=headers)) == task


@pytest.mark.usefixtures("_quick")
def test_queue_is_looked_at_once_a_second_at_most(key: str) -> None:
    task_of(generate(key))
    age = datetime.timedelta(seconds=51)
    Generation.objects.update(created_at=db_now() - age)
    task_of(generate(key))  # what was seen a moment ago still counts
    backlog.forget()
    error_of(generate(key), 503)


# --- Lines of others ----------------------------------------------------------------------------


@pytest.fixture
def elsewhere(key: str) -> tuple[Place, str]:
    """Another shop, and a key of somebody there."""
    place = a_shop("North")
    return place, new_key(an_owner(place, "nora@north.example", "Nora's"))[1]


@pytest.mark.usefixtures("_quick")
def test_jam_in_another_shop_stops_nobody_here(key: str, elsewhere: tuple[Place, str]) -> None:
    north, theirs = elsewhere
    task_of(generate(theirs, **north.environ))
    wait_already(51)
    error_of(generate(theirs, **north.environ), 503)
    task_of(generate(key))


@pytest.mark.usefixtures("_quick")
def test_what_another_shop_gets_done_shortens_no_wait_here(key: str, elsewhere: tuple[Place, str]) -> None:
    north, theirs = elsewhere
    for _ in range(4):
        task_of(generate(key))
    made = lifecycle.claim(Generation.objects.get(task_id=task_of(generate(theirs, **north.environ))).pk)
    assert made is not None
    wait_already(30)
    lifecycle.fail(made, "generation_failed")
    backlog.forget()
    assert error_of(generate(key), 503)["retry_after"] == 120


@pytest.mark.usefixtures("_quick")
def test_test_keys_wait_in_a_line_of_their_own(alice: Person, key: str) -> None:
    test_key = new_key(alice, livemode=False)[1]
    task_of(generate(test_key))
    wait_already(51)
    error_of(generate(test_key), 503)
    task_of(generate(key))
    Generation.objects.filter(livemode=False).update(claim=1)
    wait_already(51)
    error_of(generate(key), 503)
    task_of(generate(test_key))


@pytest.mark.parametrize(
    ("waiting", "oldest_s", "per_second", "retry_after_s"),
    [
        (0, 0.0, 0.0, None),
        (10_000, 1.0, 0.0, None),
        (79, 20.0, 1.0, None),
        (81, 20.0, 1.0, 1),
        (8000, 20.0, 1.0, 3600),
        (100, 20.0, 10.0, None),
        (1, 50.5, 10.0, 30),
        # Once a call's length has passed, what was measured counts, however slow the workers are.
        (30, 50.0, 0.25, 40),
        (30, 20.0, 0.25, 40),
        (3, 50.0, 0.01, 220),
        (3, 20.0, 0.01, 70),
        (60, 60.0, 0.4, 70),
        (60, 60.0, 0.0, 30),
    ],
)
@pytest.mark.usefixtures("_quick")
def test_wait_is_what_stands_in_line_by_what_gets_done(
    waiting: int, oldest_s: float, per_second: float, retry_after_s: int | None
) -> None:
    assert Backlog(waiting, oldest_s, per_second).retry_after_s == retry_after_s
