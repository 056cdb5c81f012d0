"""What a request of version 1 costs the database."""

import pytest

from generations import runner
from tests.accounts.client import FOX, send
from tests.cast import Person, new_key
from tests.generations.api.asking import GENERATIONS, V1, order
from tests.generations.test_generate_queries import statements, verbs


@pytest.fixture
def key(alice: Person) -> str:
    """A key in use: its last use is noted, its usage counted."""
    key = new_key(alice)[1]
    order(key)
    return key


def reads_of(key: str, path: str) -> list[str]:
    return verbs(statements(lambda: send("GET", f"{V1}/{path}", key=key)))


def test_order_takes_as_many_statements_as_by_the_documented_api(key: str) -> None:
    body = FOX | {"n": 2, "metadata": {"a": 1}, "webhook_url": "https://customer.example/"}
    found = statements(lambda: send("POST", GENERATIONS, key=key, body=body))
    assert verbs(found) == ["SELECT", "SELECT", "INSERT", "INSERT", "UPDATE", "UPDATE"]


def test_polls_take_two_queries_and_three_with_images(key: str) -> None:
    generation = order(key, size="256x256")
    assert reads_of(key, f"generations/{generation.task_id}") == ["SELECT"] * 2
    runner.run(generation.pk)
    assert reads_of(key, f"generations/{generation.task_id}") == ["SELECT"] * 3


def test_lists_take_as_many_queries_however_long(key: str) -> None:
    for _ in range(3):
        runner.run(order(key, size="256x256").pk)
    # the key, its generations, their images
    assert reads_of(key, "generations") == ["SELECT"] * 3
    # the key, the wallet's number, its entries
    assert reads_of(key, "ledger") == ["SELECT"] * 3
    assert reads_of(key, "balance") == ["SELECT"] * 3
    # the key, price, generation, its entries, those before, its attempts
    task = order(key).task_id
    assert reads_of(key, f"generations/{task}/receipt") == ["SELECT"] * 5
