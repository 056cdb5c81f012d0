"""Idempotency-Key: one key, one task, for 24 hours."""

import datetime
from typing import Any

import pytest
from django.db.models import F
from pytest_django import Settings

from billing import ledger
from billing.reads import balance
from generations import runner
from generations.models import Generation
from tests.accounts.client import FOX, error_of, generate, task_of
from tests.cast import Person, new_key


@pytest.fixture
def key(alice: Person) -> str:
    return new_key(alice)[1]


def keyed(key: str, value: str, body: Any = None, **options: Any) -> Any:
    return generate(key, body, headers={"Idempotency-Key": value}, **options)


def age(task: str, **span: int) -> None:
    """As if the task had been accepted that much earlier."""
    earlier = F("created_at") - datetime.timedelta(**span)
    Generation.objects.filter(task_id=task).update(created_at=earlier)


def test_replay_gets_the_same_answer_to_the_byte_and_is_not_charged(alice: Person, key: str) -> None:
    first = keyed(key, "order-1")
    again = keyed(key, "order-1")
    assert again.content == first.content
    assert Generation.objects.count() == 1
    assert balance(alice.organization.pk).held == 15


def test_replay_of_a_finished_task_gets_the_same_answer(key: str) -> None:
    first = keyed(key, "order-1")
    runner.run(Generation.objects.get().pk)
    assert keyed(key, "order-1").content == first.content


@pytest.mark.parametrize(
    ("one", "other"),
    [('"order-1"', "order-1"), ("order-1", ' "order-1" '), (r'"a\"b\\c"', r'a"b\c')],
)
def test_quoted_and_bare_key_are_the_same(key: str, one: str, other: str) -> None:
    assert task_of(keyed(key, one)) == task_of(keyed(key, other))


@pytest.mark.parametrize("other", ["Order-1", "order-2", "order-1,order-1"])
def test_other_key_makes_another_task(key: str, other: str) -> None:
    assert task_of(keyed(key, "order-1")) != task_of(keyed(key, other))


@pytest.mark.parametrize("value", ["x" * 255, '"' + "x" * 255 + '"', "!", "~", '"', '""x', "{}:;,"])
def test_key_of_1_to_255_visible_characters_is_taken(key: str, value: str) -> None:
    assert task_of(keyed(key, value)) == task_of(keyed(key, value))


@pytest.mark.parametrize(
    "value", ["", " ", '""', '" "', "x" * 256, '"' + "x" * 256 + '"', "a b", "a\tb", "\xfc", "\x7f"]
)
def test_unusable_key_is_400_that_names_the_header(key: str, value: str) -> None:
    error = error_of(keyed(key, value), 400)
    assert (error["type"], error["param"]) == ("invalid_field", "Idempotency-Key")
    assert not Generation.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": FOX["prompt"], "size": "1024*1024"},
        {"prompt": FOX["prompt"], "size": "1024x1024"},
        FOX | {"seed": -1, "output_format": "jpeg", "model": "any"},
        FOX | {"seed": "-1", "size": None},
    ],
)
def test_same_order_in_other_words_is_a_replay(key: str, body: dict[str, Any]) -> None:
    assert task_of(keyed(key, "order-1")) == task_of(keyed(key, "order-1", body))


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "a hen"},
        {"aspect_ratio": "4:3"},
        {"seed": 7},
        {"output_format": "png"},
        {"size": "512*512"},
    ],
)
def test_other_order_under_the_same_key_is_422(alice: Person, key: str, change: dict[str, Any]) -> None:
    first = keyed(key, "order-1")
    error = error_of(keyed(key, "order-1", FOX | change), 422)
    assert (error["type"], error["param"], error["retry_after"]) == ("idempotency_mismatch", None, None)
    assert Generation.objects.count() == 1
    assert balance(alice.organization.pk).held == 15
    assert keyed(key, "order-1").content == first.content


def test_key_is_kept_for_24_hours(key: str) -> None:
    first = task_of(keyed(key, "order-1"))
    age(first, hours=23, minutes=59)
    assert task_of(keyed(key, "order-1")) == first
    error_of(keyed(key, "order-1", FOX | {"seed": 7}), 422)


def test_key_is_free_again_after_24_hours(key: str) -> None:
    first = task_of(keyed(key, "order-1"))
    age(first, hours=24, seconds=1)
    second = task_of(keyed(key, "order-1", FOX | {"seed": 7}))
    assert second != first
    assert task_of(keyed(key, "order-1", FOX | {"seed": 7})) == second


def test_keys_of_one_organization_share_their_idempotency_keys(alice: Person, key: str) -> None:
    assert task_of(keyed(key, "order-1")) == task_of(keyed(new_key(alice)[1], "order-1"))


def test_live_and_test_mode_have_idempotency_keys_of_their_own(alice: Person, key: str) -> None:
    test_key = new_key(alice, livemode=False)[1]
    live = task_of(keyed(key, "order-1"))
    test = task_of(keyed(test_key, "order-1", FOX | {"prompt": "another"}))
    assert live != test
    assert task_of(keyed(test_key, "order-1", FOX | {"prompt": "another"})) == test


def test_organizations_have_idempotency_keys_of_their_own(alice: Person, charlie: Person) -> None:
    mine = task_of(keyed(new_key(alice)[1], "order-1"))
    assert task_of(keyed(new_key(charlie)[1], "order-1", FOX | {"prompt": "another"})) != mine


def test_replay_works_when_the_credits_are_gone(alice: Person, key: str) -> None:
    first = task_of(keyed(key, "order-1"))
    ledger.take(alice.organization.pk, 1500, reference="manual:1", actor="system")
    error_of(generate(key), 402)
    assert task_of(keyed(key, "order-1")) == first


def test_replay_works_at_the_open_task_limit(key: str, settings: Settings) -> None:
    settings.MAX_OPEN_TASKS = 1
    first = task_of(keyed(key, "order-1"))
    error_of(generate(key), 429)
    assert task_of(keyed(key, "order-1")) == first


def test_replay_with_a_broken_body_is_400(key: str) -> None:
    task_of(keyed(key, "order-1"))
    assert error_of(keyed(key, "order-1", b"{"), 400)["type"] == "invalid_json"


def test_orders_without_a_key_are_never_taken_for_each_other(key: str) -> None:
    assert task_of(generate(key)) != task_of(generate(key))
