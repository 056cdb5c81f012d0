"""All keys and people of an organization share a bucket; headers and refusals speak of the tighter one."""

import pytest
from django.db import IntegrityError, transaction
from pytest_django import Settings

from accounts import throttling
from accounts.models import Organization
from accounts.organizations import set_rate_limits
from accounts.throttling import ProcessLimiter
from billing.models import LedgerEntry
from generations.models import Generation
from tests.accounts.client import error_of, generate, stated, status, task_of
from tests.cast import Person, new_key
from tests.pages import browser_of, order, text_of


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No token comes back while a test counts them."""
    monkeypatch.setattr(throttling, "_limiter", ProcessLimiter(lambda: 10**9))


@pytest.fixture
def studio(alice: Person, settings: Settings) -> Organization:
    """Alice's Studio, whose keys together have 6 a minute, burst 4."""
    settings.MAX_OPEN_TASKS = 100
    set_rate_limits(alice.organization, rate_per_minute=6, burst=4)
    return alice.organization


def test_keys_of_one_organization_share_what_it_has(studio: Organization, alice: Person) -> None:
    first, second = new_key(alice)[1], new_key(alice)[1]
    answers = [generate(key) for key in (first, second, first, second, first, second)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
    assert [stated(answer) for answer in answers] == [("create", left, 10) for left in (3, 2, 1, 0, 0, 0)]
    assert {answer["RateLimit-Policy"] for answer in answers} == {'"create";q=4;w=40'}
    error = error_of(answers[-1], 429)
    assert (error["type"], error["limit_source"], error["retry_after"]) == (
        "rate_limited",
        "organization",
        10,
    )
    assert Generation.objects.count() == LedgerEntry.objects.filter(kind="hold").count() == 4


def test_request_that_the_organization_refuses_costs_the_key_nothing(
    studio: Organization, alice: Person
) -> None:
    [key, other] = [new_key(alice, burst=5, rate_per_minute=1)[1] for _ in range(2)]
    assert [generate(key).status_code for key in (key, other, other, other, key, key)] == [200] * 4 + [
        429
    ] * 2
    set_rate_limits(studio, burst=100)
    assert stated(generate(key)) == ("create", 3, 60)


def test_request_that_its_key_refuses_costs_the_organization_nothing(
    studio: Organization, alice: Person
) -> None:
    tight = new_key(alice, burst=1)[1]
    answers = [generate(tight) for _ in range(5)]
    assert [error_of(answer, 429)["limit_source"] for answer in answers[1:]] == ["key"] * 4
    assert stated(generate(new_key(alice)[1])) == ("create", 2, 10)


def test_other_organizations_are_not_touched(studio: Organization, alice: Person, charlie: Person) -> None:
    for _ in range(5):
        last = generate(new_key(alice)[1])
    assert last.status_code == 429
    assert stated(generate(new_key(charlie)[1])) == ("create", 19, 1)


def test_reads_are_shared_as_well(alice: Person, settings: Settings) -> None:
    settings.RATE_LIMIT_ORGANIZATION_READ_BURST = 3
    task = task_of(generate(new_key(alice)[1]))
    answers = [status(new_key(alice)[1], task) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429]
    assert [stated(answer) for answer in answers] == [("read", left, 1) for left in (2, 1, 0, 0)]
    assert error_of(answers[-1], 429)["limit_source"] == "organization"


def test_repeated_idempotency_key_is_a_read_of_the_organization_too(
    studio: Organization, alice: Person, settings: Settings
) -> None:
    settings.RATE_LIMIT_ORGANIZATION_READ_BURST = 2
    key = new_key(alice)[1]
    answers = [generate(key, headers={"Idempotency-Key": "once"}) for _ in range(4)]
    assert [stated(answer)[:2] for answer in answers] == [
        ("create", 3),
        ("read", 1),
        ("read", 0),
        ("read", 0),
    ]
    assert error_of(answers[-1], 429)["limit_source"] == "organization"
    assert stated(generate(key)) == ("create", 2, 10)


def test_changed_limit_of_the_organization_counts_from_the_next_request(
    studio: Organization, alice: Person
) -> None:
    key = new_key(alice)[1]
    assert stated(generate(key)) == ("create", 3, 10)
    set_rate_limits(studio, rate_per_minute=None, burst=None)
    assert stated(generate(key)) == ("create", 18, 1)


def test_orders_in_the_playground_count_for_the_organization(
    studio: Organization, alice: Person, bob: Person
) -> None:
    key = new_key(alice)[1]
    for person in (alice, bob):
        assert order(browser_of(person)).status_code == 302
    assert stated(generate(key)) == ("create", 1, 10)
    assert stated(generate(key)) == ("create", 0, 10)
    refused = order(browser_of(bob))
    assert (refused.status_code, refused["Retry-After"]) == (429, "10")
    assert "That was a lot in a short time. Try again in 10 seconds." in text_of(refused)


def test_rotating_keys_gains_nothing(alice: Person, settings: Settings) -> None:
    settings.RATE_LIMIT_ORGANIZATION_BURST = 6
    passed = sum(generate(new_key(alice)[1]).status_code != 429 for _ in range(9))
    assert passed == 6


@pytest.mark.parametrize("column", ["rate_per_minute", "burst"])
def test_limit_of_zero_is_refused_by_the_database(alice: Person, column: str) -> None:
    with pytest.raises(IntegrityError, match="organization_limits_are_positive"), transaction.atomic():
        Organization.objects.update(**{column: 0})
