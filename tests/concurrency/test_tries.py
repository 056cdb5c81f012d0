"""A client that posts again while its first request is still being accepted pays once."""

import threading

from django.db import connection, transaction

from generations import lifecycle
from generations.errors import IdempotencyInFlight
from generations.models import Generation
from tests.concurrency.conftest import RUNNERS
from tests.concurrency.outcomes import assert_books_are_right
from tests.makers import PRICE_CREDITS, a_request, an_access, an_organization, wallet_of
from tests.threads import together


def a_try(number: int) -> lifecycle.Try:
    """Of a client that has left all but the last: it would not post again otherwise."""
    return lifecycle.Try(number, lambda: number < RUNNERS - 1)


def test_all_tries_of_one_request_make_one_order(race_db: None) -> None:
    organization = an_organization(100 * PRICE_CREDITS)
    access = an_access(organization)
    tries = [a_try(number) for number in range(RUNNERS)]  # the first begins before any other is heard of

    def post(number: int) -> int:
        return lifecycle.submit(access, a_request(), endpoint="openai", its_try=tries[number]).pk

    tasks = together(RUNNERS, post)
    assert len(set(tasks)) == 1, tasks
    assert Generation.objects.filter(organization=organization).count() == 1
    assert wallet_of(organization)[1] == PRICE_CREDITS
    assert_books_are_right()


def test_looking_first_and_ordering_then_pays_for_every_try_control(race_db: None) -> None:
    organization = an_organization(100 * PRICE_CREDITS)
    access = an_access(organization)
    everybody_has_looked = threading.Barrier(8)

    def post_naively(number: int) -> int:
        earlier = lifecycle.join(access, a_request().digest("openai"), a_try(number))
        connection.close()
        everybody_has_looked.wait(30)
        order = earlier or lifecycle.submit(access, a_request(), endpoint="openai")
        return order.pk

    assert len(set(together(8, post_naively))) == 8


if connection.vendor == "postgresql":  # on SQLite everybody waits for whoever writes

    def test_try_that_finds_the_first_one_unfinished_comes_again(race_db: None) -> None:
        access = an_access(an_organization(100 * PRICE_CREDITS))
        first_has_inserted, second_has_given_up = threading.Event(), threading.Event()

        def post(number: int) -> int:
            if number == 0:
                with transaction.atomic():
                    made = lifecycle.submit(access, a_request(), endpoint="openai", its_try=a_try(0)).pk
                    first_has_inserted.set()
                    assert second_has_given_up.wait(30)
                return made
            assert first_has_inserted.wait(30)
            try:
                return lifecycle.submit(access, a_request(), endpoint="openai", its_try=a_try(1)).pk
            finally:
                second_has_given_up.set()

        first, second = together(2, post)
        assert isinstance(second, IdempotencyInFlight)
        assert lifecycle.submit(access, a_request(), endpoint="openai", its_try=a_try(2)).pk == first
        assert_books_are_right()
