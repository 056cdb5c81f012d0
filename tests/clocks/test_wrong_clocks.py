"""Processes whose clocks are an hour off, each in another direction: nothing changes in the life of a task."""

import datetime
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from accounts.api_keys import create_api_key
from accounts.clock import db_now, read_db_now
from accounts.models import ApiKey, Organization
from billing import audit
from generations.models.orders import _CROCKFORD, Generation, Image
from tests import scale
from tests.clocks.asking import ask, order, wait_for
from tests.makers import age, an_organization, settlements_of, status_of, wallet_of
from tests.processes import frozen
from tests.services import DATABASE
from tests.shop import RunningShop, start
from tests.waiting import wait_until

HOUR_S = 3600
STARTUP = Path(__file__).resolve().parent / "startup"


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds ahead."""

    web: int
    worker: int
    beat: int

    def __str__(self) -> str:
        return f"web {self.web:+d}, worker {self.worker:+d}, beat {self.beat:+d}"


WRONG = [Clocks(HOUR_S, -HOUR_S, HOUR_S), Clocks(-HOUR_S, HOUR_S, -HOUR_S)]
# Every day one way on each database, the proof goes both.
SHOWN = WRONG if scale.PROOF else [WRONG[DATABASE == "postgresql"]]


@pytest.fixture(scope="module", params=SHOWN, ids=str)
def clocks(request: pytest.FixtureRequest) -> Clocks:
    chosen: Clocks = request.param
    return chosen


@pytest.fixture(scope="module")
def shop(kept_db: None, clocks: Clocks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    wrong = {
        "PYTHONPATH": str(STARTUP),
        "CLOCKS": f"granian={clocks.web} worker={clocks.worker} beat={clocks.beat}",
    }
    quick = {"LEASE_S": "3", "SWEEP_S": "0.2", "SANDBOX_SECONDS": "0"}
    with start(tmp_path_factory.mktemp("shop"), **wrong, **quick) as shop:
        yield shop


@pytest.fixture
def studio(kept_db: None) -> Organization:
    return an_organization(credits=1000)


@pytest.fixture
def key(studio: Organization) -> str:
    return create_api_key(studio, livemode=True)[1]


def assert_settled(generation: Generation, studio: Organization, kind: str) -> None:
    assert settlements_of(generation) == [kind]
    spent = 15 if kind == "capture" else 0
    assert wallet_of(studio)[:2] == (1000 - spent, 0)
    assert audit.check_snapshot() == []


def hours_ahead(public_id: str) -> int:
    """Of the clock of the process that made this id."""
    milliseconds = 0
    for character in public_id.partition("_")[2]:
        milliseconds = milliseconds * 32 + _CROCKFORD.index(character)
    return round(((milliseconds >> 80) / 1000 - time.time()) / HOUR_S)


def test_order_is_made_charged_and_shown(
    shop: RunningShop, clocks: Clocks, studio: Organization, key: str
) -> None:
    task_id = order(shop, key)
    generation = wait_for(task_id, "succeeded")
    image = Image.objects.get(generation=generation)
    # The clocks are as wrong as they are meant to be.
    assert hours_ahead(task_id) * HOUR_S == clocks.web
    assert hours_ahead(image.public_id) * HOUR_S == clocks.worker

    assert_settled(generation, studio, "capture")
    row_times = (generation.created_at, generation.started_at, generation.finished_at, image.created_at)
    now = read_db_now()
    assert all(moment and abs(now - moment) < datetime.timedelta(minutes=1) for moment in row_times)
    status, body = ask(shop, "GET", f"/api/status?task_id={task_id}", key)
    assert (status, body["data"]["status"]) == (200, "SUCCESS")
    [address] = body["data"]["response"]
    assert ask(shop, "GET", address.removeprefix("http://localhost:" + str(shop.port)))[0] == 200


def test_order_of_a_killed_worker_is_made_after_its_lease(
    shop: RunningShop, studio: Organization, key: str
) -> None:
    task_id = order(shop, key, "sandbox:slow=2")
    running = wait_for(task_id, "running")
    wait_until(
        lambda: Generation.objects.filter(pk=running.pk, submitted=True).exists(), "it to be submitted"
    )
    shop.worker().send_signal(signal.SIGKILL)
    ended = wait_for(task_id, "succeeded", "failed")
    assert (ended.status, ended.claim) == ("succeeded", 2)
    assert_settled(ended, studio, "capture")


def test_order_ends_at_its_deadline_and_no_earlier(shop: RunningShop, studio: Organization, key: str) -> None:
    with frozen(shop.worker()):
        due, not_due = [Generation.objects.get(task_id=order(shop, key)) for _ in range(2)]
        age(due, deadline_at=0)
        wait_for(due.task_id, "failed")
        assert status_of(due) == ("failed", "timeout")
        assert settlements_of(due) == ["release"]
        assert status_of(not_due) == ("queued", "")
    assert_settled(wait_for(not_due.task_id, "succeeded"), studio, "capture")


def test_keys_work_until_they_expire(shop: RunningShop, studio: Organization) -> None:
    half_an_hour = datetime.timedelta(minutes=30)
    row, key = create_api_key(studio, livemode=True, expires_at=read_db_now() + half_an_hour)
    assert ask(shop, "GET", "/api/status?task_id=none", key)[0] == 404
    ApiKey.objects.filter(pk=row.pk).update(expires_at=db_now() - half_an_hour)
    assert ask(shop, "GET", "/api/status?task_id=none", key)[0] == 401


def test_use_of_a_key_is_noted_by_the_clock_of_the_database(
    shop: RunningShop, studio: Organization, key: str
) -> None:
    for _ in range(2):
        ask(shop, "GET", "/api/status?task_id=none", key)
    noted = ApiKey.objects.get(organization=studio).last_used_at
    assert noted
    assert abs(read_db_now() - noted) < datetime.timedelta(minutes=1)
