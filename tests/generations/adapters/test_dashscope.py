"""DashScope: Z-Image at once, every other model as a task."""

from collections.abc import Callable

import pytest

from generations.providers.base import OutcomeKind
from generations.providers.wire import Account, Response
from tests.generations.adapters.driving import ask, drive, images_of, job, submit
from tests.upstreams.running import Up

ORDERS = [
    ("inspection", OutcomeKind.REJECTED),
    ("parameter", OutcomeKind.INVALID),
    ("arrearage", OutcomeKind.FUNDS),
    ("key", OutcomeKind.ACCOUNT),
    ("denied", OutcomeKind.ACCOUNT),
    ("nomodel", OutcomeKind.ACCOUNT),
    ("freequota", OutcomeKind.ACCOUNT),
    ("throttling", OutcomeKind.BUSY),
]


@pytest.fixture
def up(stand_in: Callable[[str], Up]) -> Up:
    return stand_in("dashscope")


@pytest.fixture
def tasks(up: Up) -> Account:
    """Of a model whose images have to be asked for."""
    return up.account(model="wan2.2-t2i-flash")


@pytest.mark.parametrize("coded", ["", " up:coded"])
@pytest.mark.parametrize(("word", "kind"), ORDERS)
def test_codes_of_a_refused_order(up: Up, tasks: Account, word: str, kind: OutcomeKind, coded: str) -> None:
    for account in (up.account(), tasks):
        assert submit(up.adapter, account, job(f"up:{word}{coded}")).end.kind == kind


@pytest.mark.parametrize(
    ("word", "kind"),
    [*ORDERS[:-1], ("throttling", OutcomeKind.FAILED)],
)
def test_codes_of_a_task_that_failed(up: Up, tasks: Account, word: str, kind: OutcomeKind) -> None:
    driven = drive(up.adapter, tasks, job(f"up:{word} up:at=poll"))
    assert driven.answers[0].kind == OutcomeKind.WAIT
    assert driven.end.kind == kind


def test_z_image_is_waited_for(up: Up, tasks: Account) -> None:
    assert up.adapter.waits(up.account())
    assert not up.adapter.waits(tasks)
    assert [answer.kind for answer in drive(up.adapter, up.account(), job("x")).answers] == ["ok"]


def test_an_answer_without_an_image_has_failed(up: Up) -> None:
    assert submit(up.adapter, up.account(), job("up:noimages")).end.kind == OutcomeKind.FAILED


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("late=0.1", OutcomeKind.OK),
        ("noimages", OutcomeKind.FAILED),
        ("failed", OutcomeKind.FAILED),
        ("canceled", OutcomeKind.FAILED),
        ("500 up:at=poll", OutcomeKind.BUSY),
        ("401 up:at=poll", OutcomeKind.ACCOUNT),
        ("404 up:at=poll", OutcomeKind.FAILED),
        ("html up:at=poll", OutcomeKind.BUSY),
    ],
)
def test_ends_of_tasks(up: Up, tasks: Account, word: str, kind: OutcomeKind) -> None:
    driven = drive(up.adapter, tasks, job(f"up:{word}"))
    assert driven.end.kind == kind
    if kind == OutcomeKind.OK:
        assert images_of(driven.end)


def test_a_task_of_which_they_know_nothing_is_waited_for(up: Up, tasks: Account) -> None:
    handle = submit(up.adapter, tasks, job("up:unknown")).handle
    answer = up.adapter.read_poll(tasks, handle, ask(up.adapter.poll(tasks, handle)))
    assert answer.kind == OutcomeKind.WAIT


def test_a_code_that_nobody_knows_has_failed(up: Up) -> None:
    response = Response(200, {}, b'{"code":"Unheard.Of","message":"no"}')
    assert up.adapter.read_submit(up.account(), job("x"), response).kind == OutcomeKind.FAILED


def test_throttling_does_not_pause_for_more_than_a_minute(up: Up) -> None:
    up.behave(
        status=429, body={"code": "Throttling", "message": "no"}, headers={"Retry-After": "600"}, times=1
    )
    assert submit(up.adapter, up.account(), job("x")).end.poll_after_s == 60


@pytest.mark.parametrize(("word", "stopped"), [("up:queued", True), ("", False)])
def test_only_what_had_not_begun_can_be_stopped(up: Up, tasks: Account, word: str, stopped: bool) -> None:
    handle = submit(up.adapter, tasks, job(f"{word} up:stuck")).handle
    request = up.adapter.cancel(tasks, handle)
    assert request is not None
    assert up.adapter.read_cancel(tasks, handle, ask(request)) is stopped
