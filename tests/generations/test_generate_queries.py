"""What one request costs the database."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from generations import runner
from generations.models import Generation
from tests.accounts.client import generate, status, task_of
from tests.cast import Person, new_key

SAVEPOINTS = (
    "SAVEPOINT",
    "RELEASE SAVEPOINT",
)  # stand for BEGIN and COMMIT, the test being a transaction itself


def statements(request: Callable[[], HttpResponse]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        assert request().status_code == 200
    return [query["sql"] for query in queries if not query["sql"].startswith(SAVEPOINTS)]


@pytest.fixture
def key(alice: Person) -> str:
    """A key in use: its last use is noted, its usage counted."""
    key = new_key(alice)[1]
    task_of(generate(key))
    return key


def verbs(sql: list[str]) -> list[str]:
    return [statement.split()[0] for statement in sql]


def test_order_takes_six_statements(key: str) -> None:
    # beside the look at the backlog, once a second: key, price, generation, entry, key usage, wallet
    assert verbs(statements(lambda: generate(key))) == [
        *("SELECT", "SELECT", "INSERT", "INSERT", "UPDATE", "UPDATE")
    ]


def test_order_with_an_idempotency_key_looks_it_up_once(key: str) -> None:
    with_key = statements(lambda: generate(key, headers={"Idempotency-Key": "once"}))
    assert len(with_key) == 7
    assert verbs(with_key)[:2] == ["SELECT", "SELECT"]


def test_wallet_is_the_last_row_that_an_order_locks(key: str) -> None:
    assert statements(lambda: generate(key))[-1].startswith('UPDATE "billing_wallet"')


def test_replay_takes_three_queries_and_writes_nothing(key: str) -> None:
    headers = {"Idempotency-Key": "once"}
    task_of(generate(key, headers=headers))
    # key, generation, and the time, since an idempotency key is free again after 24 hours
    assert verbs(statements(lambda: generate(key, headers=headers))) == ["SELECT"] * 3


def test_poll_of_an_open_task_takes_two_queries(key: str) -> None:
    task = task_of(generate(key))
    assert verbs(statements(lambda: status(key, task))) == ["SELECT", "SELECT"]


def test_poll_of_a_finished_task_takes_three_queries(key: str) -> None:
    task = task_of(generate(key))
    runner.run(Generation.objects.get(task_id=task).pk)
    assert verbs(statements(lambda: status(key, task))) == ["SELECT"] * 3


def test_task_takes_three_statements_to_claim_and_ten_to_settle_with_a_charge(key: str) -> None:
    task = task_of(generate(key))
    pk = Generation.objects.get(task_id=task).pk
    with CaptureQueriesContext(connection) as queries:
        runner.run(pk)
    sql = [query["sql"] for query in queries if not query["sql"].startswith(SAVEPOINTS)]
    progress = [
        statement for statement in sql if '"progress" = ' in statement and "succeeded" not in statement
    ]
    assert verbs([statement for statement in sql if statement not in progress]) == [
        *("SELECT", "SELECT", "UPDATE"),  # the order, the upstreams; claim
        *("UPDATE", "INSERT"),  # submitted, attempt
        *("UPDATE", "UPDATE", "INSERT"),  # ended, attempt, image
        *(
            "SELECT",
            "SELECT",
            "SELECT",
            "UPDATE",
            "INSERT",
            "UPDATE",
        ),  # locks, the hold; usage, entry, wallet
        "SELECT",  # who wants to hear of it
    ]
