"""Of two things that are wrong with one order, the contract says which is answered."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from pytest_django import Settings

from accounts import throttling
from accounts.access import access_of_key
from accounts.models import ApiKey
from accounts.rates import ask_to_create, ask_to_read
from accounts.throttling import ProcessLimiter, limiter
from billing import ledger
from tests.accounts.client import FOX, GENERATE, generate, send, task_of, word_of
from tests.cast import Person, new_key


@dataclass
class Scene:
    """An order that would be accepted, and the world around it; each fault spoils one thing."""

    organization_id: int
    row: ApiKey
    settings: Settings
    key: str
    method: str = "POST"
    path: str = GENERATE
    body: Any = field(default_factory=lambda: dict(FOX))
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    environ: dict[str, str] = field(default_factory=dict)


def no_route(scene: Scene) -> None:
    scene.path = "/api/nothing"


def wrong_method(scene: Scene) -> None:
    scene.method = "PUT"


def unknown_key(scene: Scene) -> None:
    scene.key = scene.key[:-1]


def no_scope(scene: Scene) -> None:
    ApiKey.objects.filter(pk=scene.row.pk).update(scopes=["read"])


def empty_buckets(scene: Scene) -> None:
    access = access_of_key(scene.row)
    for ask in (ask_to_create(access), ask_to_read(access)):
        while limiter().take(ask).possible:
            pass


def large_body(scene: Scene) -> None:
    scene.environ["tintype.body_problem"] = "too_large"


def wrong_type(scene: Scene) -> None:
    scene.content_type = "text/plain"


def broken_json(scene: Scene) -> None:
    scene.body = b"{"


def used_idempotency_key(scene: Scene) -> None:
    scene.headers["Idempotency-Key"] = "used"
    task_of(generate(scene.key, FOX | {"prompt": "another"}, headers=scene.headers))


def no_upstream(scene: Scene) -> None:
    scene.settings.DEMO = False


def many_open_tasks(scene: Scene) -> None:
    scene.settings.MAX_OPEN_TASKS = 0


def no_credits(scene: Scene) -> None:
    ledger.take(scene.organization_id, 10_000, reference="manual:1", actor="system")


FAULTS: list[tuple[Callable[[Scene], None], tuple[int, str]]] = [
    (no_route, (404, "not_found")),
    (wrong_method, (405, "method_not_allowed")),
    (unknown_key, (401, "unauthenticated")),
    (no_scope, (403, "insufficient_scope")),
    (empty_buckets, (429, "rate_limited")),
    (large_body, (413, "body_too_large")),
    (wrong_type, (415, "unsupported_media_type")),
    (broken_json, (400, "invalid_json")),
    (used_idempotency_key, (422, "idempotency_mismatch")),
    (no_upstream, (503, "unavailable")),
    (many_open_tasks, (429, "too_many_open_tasks")),
    (no_credits, (402, "insufficient_credits")),
]


@pytest.fixture
def scene(alice: Person, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(throttling, "_limiter", ProcessLimiter(lambda: 10**9))  # no token comes back
    row, key = new_key(alice)
    return Scene(alice.organization.pk, row, settings, key)


def answer(scene: Scene, *faults: Callable[[Scene], None]) -> tuple[int, str]:
    # What needs an accepted order goes first.
    for fault in sorted(faults, key=lambda fault: fault is not used_idempotency_key):
        fault(scene)
    return word_of(
        send(
            scene.method,
            scene.path,
            key=scene.key,
            body=scene.body,
            headers=scene.headers,
            content_type=scene.content_type,
            **scene.environ,
        )
    )


@pytest.mark.parametrize(("fault", "expected"), FAULTS)
def test_single_fault_is_answered_with_its_word(
    scene: Scene, fault: Callable[[Scene], None], expected: tuple[int, str]
) -> None:
    assert answer(scene, fault) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(first, second, id=f"{first[0].__name__}-{second[0].__name__}")
        for first, second in itertools.combinations(FAULTS, 2)
    ],
)
def test_first_of_two_faults_is_answered(
    scene: Scene,
    first: tuple[Callable[[Scene], None], tuple[int, str]],
    second: tuple[Callable[[Scene], None], tuple[int, str]],
) -> None:
    assert answer(scene, first[0], second[0]) == first[1]


def test_late_body_comes_before_its_type(scene: Scene) -> None:
    scene.environ["tintype.body_problem"] = "timeout"
    assert answer(scene, wrong_type) == (408, "body_timeout")


def test_replay_comes_before_every_later_limit(scene: Scene) -> None:
    scene.headers["Idempotency-Key"] = "used"
    task = task_of(generate(scene.key, headers=scene.headers))
    for fault in (no_upstream, many_open_tasks, no_credits):
        fault(scene)
    assert task_of(generate(scene.key, headers=scene.headers)) == task
