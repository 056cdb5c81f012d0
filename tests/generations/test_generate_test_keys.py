"""Test keys: free, apart from live ones, and steered by their prompts."""

import pytest
from pytest_django import Settings

from billing import ledger
from billing.models import KeyUsage, LedgerEntry
from billing.reads import balance
from generations import runner
from generations.models import Generation
from tests.accounts.client import FOX, content, data_of, error_of, generate, status, task_of
from tests.cast import Person, new_key


@pytest.fixture
def key(alice: Person) -> str:
    return new_key(alice, livemode=False)[1]


def steered(word: str) -> dict[str, str]:
    return FOX | {"prompt": f"a fox sandbox:{word}"}


def finished(key: str, body: dict[str, str]) -> dict[str, object]:
    task = task_of(generate(key, body))
    runner.run(Generation.objects.get(task_id=task).pk)
    return data_of(status(key, task))


def test_test_key_needs_no_credits_and_writes_no_entry(alice: Person, key: str) -> None:
    ledger.take(alice.organization.pk, 1500, reference="manual:1", actor="system")
    entries = LedgerEntry.objects.count()
    data = finished(key, FOX)
    assert (data["status"], data["consumed_credits"]) == ("SUCCESS", 0)
    assert len(data["response"]) == 1  # type: ignore[arg-type]  # JSON's list
    assert LedgerEntry.objects.count() == entries
    assert balance(alice.organization.pk).held == 0


def test_test_key_works_without_any_upstream(key: str, settings: Settings) -> None:
    settings.DEMO = False
    assert finished(key, FOX)["status"] == "SUCCESS"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("content_rejected", "content_rejected: prompt or image was refused"),
        ("failed", "generation_failed"),
        ("timeout", "timeout: generation took too long"),
    ],
)
@pytest.mark.parametrize("livemode", [True, False])
def test_prompt_steers_how_a_task_ends_and_costs_nothing(
    alice: Person, word: str, message: str, livemode: bool
) -> None:
    data = finished(new_key(alice, livemode=livemode)[1], steered(word))
    assert (data["status"], data["error_message"]) == ("FAILED", message)
    assert (data["consumed_credits"], data["response"]) == (0, [])
    assert balance(alice.organization.pk).available == 1500


def test_prompt_steers_a_402_that_looks_like_a_live_one(alice: Person, key: str) -> None:
    error = error_of(generate(key, steered("402")), 402)
    assert (error["type"], error["limit_source"]) == ("insufficient_credits", "wallet")
    assert (error["required"], error["available"]) == (15, 0)
    assert error["fix_url"].endswith("/credits/")
    assert not Generation.objects.exists()


def test_prompt_steers_a_429_that_looks_like_a_live_one(key: str) -> None:
    error = error_of(generate(key, steered("429")), 429)
    assert (error["type"], error["limit_source"]) == ("rate_limited", "key")
    assert error["retry_after"] >= 1
    assert not Generation.objects.exists()


@pytest.mark.parametrize("word", ["402", "429"])
def test_402_and_429_do_not_steer_live_keys(alice: Person, word: str) -> None:
    assert finished(new_key(alice)[1], steered(word))["status"] == "SUCCESS"
    assert balance(alice.organization.pk).available == 1485


def test_images_of_a_test_key_are_the_same_for_prompt_and_seed(key: str) -> None:
    tasks = [finished(key, FOX | {"seed": "7"})["task_id"] for _ in range(2)]
    one, other = (Generation.objects.get(task_id=task).images.get() for task in tasks)
    assert one.sha256 == other.sha256


@pytest.mark.parametrize("livemode", [True, False])
def test_live_and_test_keys_do_not_see_each_others_tasks(alice: Person, livemode: bool) -> None:
    mine, other = new_key(alice, livemode=livemode)[1], new_key(alice, livemode=not livemode)[1]
    task = task_of(generate(mine))
    same = {"X-Request-Id": "same"}
    hidden = status(other, task, headers=same)
    assert error_of(hidden, 404)["type"] == "not_found"
    assert hidden.content == status(other, "task_0", headers=same).content
    assert data_of(status(mine, task))["task_id"] == task


def test_open_tasks_of_a_test_key_are_limited_for_that_key(
    alice: Person, key: str, settings: Settings
) -> None:
    settings.MAX_OPEN_TASKS = 2
    first = task_of(generate(key))
    task_of(generate(key))
    error = error_of(generate(key), 429)
    assert (error["type"], error["limit_source"], error["retry_after"]) == ("too_many_open_tasks", "key", 2)
    assert Generation.objects.count() == 2
    assert generate(new_key(alice)[1]).status_code == 200
    runner.run(Generation.objects.get(task_id=first).pk)
    assert generate(key).status_code == 200


def test_open_task_limit_of_the_test_key_itself_goes_first(alice: Person) -> None:
    row, key = new_key(alice, livemode=False)
    KeyUsage.objects.create(key=row, open_limit=1)
    task_of(generate(key))
    assert content(generate(key))["error"]["type"] == "too_many_open_tasks"
