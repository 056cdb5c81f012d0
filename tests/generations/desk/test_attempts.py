"""The records of attempts: there may be millions, so what their list asks for does not grow with them."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from generations.models import Attempt, Upstream
from tests.cast import Person
from tests.makers import a_generation, an_access, an_upstream
from tests.operators import desk_of, operator
from tests.pages import text_of

LIST = "/admin/generations/attempt/"


@pytest.fixture
def desk(db: None) -> Client:
    return desk_of(operator())


def attempts_at(upstream: Upstream, person: Person, count: int) -> Attempt:
    """The last of them; every second is `ok`, from number 2 on, the others have failed."""
    generation = a_generation(an_access(person.organization))
    Attempt.objects.bulk_create(
        Attempt(
            generation=generation,
            number=number,
            provider=upstream.provider,
            upstream=upstream,
            outcome="failed" if number % 2 else "ok",
            cost_micros=5000,
            possible_cost_micros=5000,
        )
        for number in range(1, count + 1)
    )
    return Attempt.objects.latest("pk")


def test_newest_come_first_and_can_be_filtered(desk: Client, alice: Person) -> None:
    upstream, other = an_upstream(), an_upstream()
    last = attempts_at(upstream, alice, 4)
    page = text_of(desk.get(LIST))
    assert page.index(last.key) < page.index(f"{last.generation.task_id}:1")
    assert "0.005 USD" in page
    assert last.key in text_of(desk.get(LIST, {"outcome": "ok"}))
    assert last.key not in text_of(desk.get(LIST, {"outcome": "failed"}))
    assert last.key not in text_of(desk.get(LIST, {"outcome": "open"}))
    assert last.key not in text_of(desk.get(LIST, {"upstream__id__exact": other.pk}))


def test_list_counts_nothing_and_asks_the_same_for_many(desk: Client, alice: Person) -> None:
    attempts_at(an_upstream(), alice, 2)
    with CaptureQueriesContext(connection) as few:
        desk.get(LIST)
    for _ in range(5):
        attempts_at(an_upstream(), alice, 8)
    with CaptureQueriesContext(connection) as many:
        desk.get(LIST)
    assert len(many) <= len(few) <= 12
    asked = [query["sql"] for query in many if "generations_attempt" in query["sql"]]
    assert asked
    assert not any("COUNT(" in sql for sql in asked)
