"""402, 429 and 503: what the refusal says, and that it leaves nothing behind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from billing import ledger
from billing.models import KeyUsage, LedgerEntry, Wallet
from generations.models import Generation
from tests.accounts.client import FOX, content, data_of, error_of, generate, status, task_of
from tests.cast import Person, give_credits, new_key


@pytest.fixture
def poor(charlie: Person) -> Person:
    """Charlie with 20 credits: enough for one image, not for two."""
    ledger.take(charlie.organization.pk, 1480, reference="manual:poor", actor="system")
    return charlie


@contextmanager
def nothing_changes(person: Person) -> Iterator[None]:
    def books() -> tuple[object, ...]:
        return (
            Wallet.objects.filter(organization=person.organization).values().get(),
            LedgerEntry.objects.count(),
            Generation.objects.count(),
            list(KeyUsage.objects.values()),
        )

    before = books()
    yield
    assert books() == before


def test_402_names_price_balance_and_the_page_that_mends_it(poor: Person, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://shop.example"
    _row, key = new_key(poor)
    task_of(generate(key))
    with nothing_changes(poor):
        response = generate(key, headers={"Idempotency-Key": "again"})
    error = error_of(response, 402)
    assert content(response)["message"] == "Insufficient credits"
    assert error == {
        "type": "insufficient_credits",
        "param": None,
        "limit_source": "wallet",
        "retry_after": None,
        "fix_url": "https://shop.example/credits/",
        "request_id": response["X-Request-Id"],
        "required": 15,
        "available": 5,
    }


def test_402_leaves_the_idempotency_key_free(poor: Person) -> None:
    _row, key = new_key(poor)
    generate(key)
    error_of(generate(key, headers={"Idempotency-Key": "again"}), 402)
    give_credits(poor.organization, 100)
    assert task_of(generate(key, FOX | {"prompt": "another"}, headers={"Idempotency-Key": "again"}))


def test_price_that_is_just_there_is_enough(poor: Person) -> None:
    ledger.take(poor.organization.pk, 5, reference="manual:just", actor="system")
    _row, key = new_key(poor)
    assert generate(key).status_code == 200
    assert error_of(generate(key), 402)["available"] == 0


def test_debt_is_402_payment_owed(charlie: Person) -> None:
    ledger.claw_back(charlie.organization.pk, 1600, value_micros=0, reference="payment:1:1", actor="system")
    _row, key = new_key(charlie)
    with nothing_changes(charlie):
        error = error_of(generate(key), 402)
    assert (error["type"], error["limit_source"]) == ("payment_owed", "wallet")
    assert (error["required"], error["available"], error["owed"]) == (15, 0, 100)
    assert error["fix_url"].endswith("/credits/")


@pytest.mark.parametrize("cap", ["day_cap", "month_cap", "lifetime_cap"])
def test_spend_cap_of_a_key_is_402_with_the_key_as_source(charlie: Person, cap: str) -> None:
    row, key = new_key(charlie)
    KeyUsage.objects.create(key=row, **{cap: 29})
    task_of(generate(key))
    with nothing_changes(charlie):
        error = error_of(generate(key), 402)
    assert (error["type"], error["limit_source"], error["required"]) == ("spend_cap_reached", "key", 15)
    assert error["fix_url"].endswith("/keys/")
    assert generate(new_key(charlie)[1]).status_code == 200


def test_open_tasks_at_the_limit_are_429_with_the_organization_as_source(
    alice: Person, settings: Settings
) -> None:
    settings.MAX_OPEN_TASKS = 2
    one, other = new_key(alice)[1], new_key(alice)[1]
    task_of(generate(one))
    task_of(generate(other))
    with nothing_changes(alice):
        response = generate(one, headers={"Idempotency-Key": "again"})
    error = error_of(response, 429)
    assert (error["type"], error["limit_source"], error["retry_after"]) == (
        "too_many_open_tasks",
        "organization",
        2,
    )
    assert response["Retry-After"] == "2"
    settings.MAX_OPEN_TASKS = 3
    assert task_of(generate(one, FOX | {"prompt": "another"}, headers={"Idempotency-Key": "again"}))


def test_open_task_limit_of_an_organization_goes_before_the_setting(alice: Person) -> None:
    Wallet.objects.filter(organization=alice.organization).update(open_limit=1)
    _row, key = new_key(alice)
    task_of(generate(key))
    assert error_of(generate(key), 429)["limit_source"] == "organization"


def test_open_task_limit_of_a_key_names_the_key(alice: Person) -> None:
    row, key = new_key(alice)
    KeyUsage.objects.create(key=row, open_limit=1)
    task_of(generate(key))
    error = error_of(generate(key), 429)
    assert (error["type"], error["limit_source"], error["retry_after"]) == ("too_many_open_tasks", "key", 2)


def test_live_order_without_an_upstream_is_503(alice: Person, settings: Settings) -> None:
    settings.DEMO = False
    _row, key = new_key(alice)
    with nothing_changes(alice):
        error = error_of(generate(key, headers={"Idempotency-Key": "again"}), 503)
    assert (error["type"], error["limit_source"]) == ("unavailable", None)
    assert error["retry_after"] > 0
    assert generate(new_key(alice, livemode=False)[1]).status_code == 200


class LosesOneQuery:
    """For connection.execute_wrapper: query number `number` meets a lost connection."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self, execute: Callable[..., object], *arguments: object) -> object:
        self.left -= 1
        if self.left == 0:
            raise OperationalError("server closed the connection unexpectedly")
        return execute(*arguments)


def test_database_lost_at_any_query_is_503_with_nothing_written(alice: Person, settings: Settings) -> None:
    settings.RATE_LIMIT_BURST = 100
    _row, key = new_key(alice)
    task_of(generate(key))
    with CaptureQueriesContext(connection) as queries:
        task_of(generate(key, headers={"Idempotency-Key": "first"}))
    assert len(queries) > 8
    for number in range(1, len(queries) + 1):
        with nothing_changes(alice), connection.execute_wrapper(LosesOneQuery(number)):
            error = error_of(generate(key, headers={"Idempotency-Key": "second"}), 503)
        assert (error["type"], error["retry_after"]) == ("unavailable", 5)
    assert task_of(generate(key, headers={"Idempotency-Key": "second"}))


def test_refused_order_has_no_task_to_ask_for(poor: Person) -> None:
    _row, key = new_key(poor)
    task = task_of(generate(key))
    error_of(generate(key), 402)
    assert data_of(status(key, task))["status"] == "IN_PROGRESS"
    assert Generation.objects.count() == 1
