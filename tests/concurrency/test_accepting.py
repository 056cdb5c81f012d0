"""Limits and balances hold when everybody orders at once."""

import threading

from django.db import connection, transaction
from django.db.models import F

from accounts.access import Access
from billing.models import KeyUsage, LedgerEntry, Wallet
from generations import lifecycle
from generations.errors import IdempotencyInFlight
from generations.models import Generation
from tests.concurrency.conftest import RUNNERS
from tests.concurrency.outcomes import assert_books_are_right, tally
from tests.makers import (
    PRICE_CREDITS,
    a_generation,
    age,
    ago,
    an_access,
    an_organization,
    open_tasks_of,
    wallet_of,
)
from tests.scale import count
from tests.threads import together


def order_at_once(access: Access) -> dict[str, int]:
    def order(_index: int) -> str:
        return a_generation(access).status

    return tally(together(RUNNERS, order))


def test_parallel_orders_never_overdraw(race_db: None) -> None:
    for _ in range(count(1, 5)):
        organization = an_organization(10 * PRICE_CREDITS)
        Wallet.objects.update(open_limit=1000)
        assert order_at_once(an_access(organization)) == {"queued": 10, "InsufficientCredits": RUNNERS - 10}
        assert wallet_of(organization)[:2] == (0, 10 * PRICE_CREDITS)
        assert open_tasks_of(organization) == 10
    assert_books_are_right()


def test_reading_the_balance_first_overdraws_control(race_db: None) -> None:
    organization = an_organization(10)
    everybody_has_read = threading.Barrier(RUNNERS)

    def hold_naively(_index: int) -> bool:
        wallet = Wallet.objects.get(organization=organization)
        connection.close()
        everybody_has_read.wait(30)
        if wallet.available < 1:
            return False
        Wallet.objects.filter(pk=wallet.pk).update(available=wallet.available - 1, held=wallet.held + 1)
        return True

    assert tally(together(RUNNERS, hold_naively)) == {"True": RUNNERS}
    assert wallet_of(organization)[:2] == (9, 1)


def test_parallel_orders_never_pass_the_open_task_limit(race_db: None) -> None:
    organization = an_organization(10_000)
    Wallet.objects.update(open_limit=7)
    assert order_at_once(an_access(organization)) == {"queued": 7, "TooManyOpenTasks": RUNNERS - 7}
    assert_books_are_right()


def test_parallel_orders_in_test_mode_never_pass_the_limit_of_their_key(race_db: None) -> None:
    access = an_access(an_organization(), livemode=False)
    assert order_at_once(access) == {"queued": 20, "TooManyOpenTasks": RUNNERS - 20}
    assert_books_are_right()


def test_counting_open_tasks_first_passes_the_limit_control(race_db: None) -> None:
    access = an_access(an_organization(10_000))
    Wallet.objects.update(open_limit=1000)
    limit = 7
    everybody_has_counted = threading.Barrier(RUNNERS)

    def order_naively(_index: int) -> bool:
        open_tasks = Generation.objects.filter(status="queued").count()
        connection.close()
        everybody_has_counted.wait(30)
        if open_tasks >= limit:
            return False
        a_generation(access)
        return True

    assert tally(together(RUNNERS, order_naively)) == {"True": RUNNERS}


def test_parallel_orders_never_pass_a_spend_cap(race_db: None) -> None:
    access = an_access(an_organization(10_000))
    Wallet.objects.update(open_limit=1000)
    assert access.key
    KeyUsage.objects.create(key=access.key, day_cap=6 * PRICE_CREDITS + 14)
    assert order_at_once(access) == {"queued": 6, "SpendCapReached": RUNNERS - 6}
    assert KeyUsage.objects.get().day_credits == 6 * PRICE_CREDITS
    assert_books_are_right()


def test_reading_what_was_spent_first_passes_a_cap_control(race_db: None) -> None:
    access = an_access(an_organization())
    assert access.key
    KeyUsage.objects.create(key=access.key)
    cap = 90
    everybody_has_read = threading.Barrier(RUNNERS)

    def spend_naively(_index: int) -> bool:
        spent = KeyUsage.objects.get().day_credits
        connection.close()
        everybody_has_read.wait(30)
        if spent + PRICE_CREDITS > cap:
            return False
        KeyUsage.objects.update(day_credits=F("day_credits") + PRICE_CREDITS)
        return True

    assert tally(together(RUNNERS, spend_naively)) == {"True": RUNNERS}
    assert KeyUsage.objects.get().day_credits > cap


def test_parallel_orders_with_one_idempotency_key_make_one_task(race_db: None) -> None:
    for round_ in range(count(2, 20)):
        organization = an_organization(10_000)
        access = an_access(organization)

        def order(_index: int, access: Access = access, key: str = f"k{round_}") -> int:
            return a_generation(access, idempotency_key=key).pk

        outcomes = together(RUNNERS, order)
        assert len(set(tally(outcomes))) == 1, tally(outcomes)
        assert Generation.objects.filter(organization=organization).count() == 1
        assert LedgerEntry.objects.filter(wallet__organization=organization, kind="hold").count() == 1
        assert wallet_of(organization)[1] == PRICE_CREDITS
    assert_books_are_right()


def test_looking_for_the_key_first_makes_many_tasks_control(race_db: None) -> None:
    access = an_access(an_organization(10_000))
    Wallet.objects.update(open_limit=1000)
    everybody_has_looked = threading.Barrier(RUNNERS)

    def order_naively(_index: int) -> bool:
        is_new = not Generation.objects.filter(request_digest="the key").exists()
        connection.close()
        everybody_has_looked.wait(30)
        if is_new:
            made = a_generation(access)
            Generation.objects.filter(pk=made.pk).update(request_digest="the key")
        return is_new

    assert tally(together(RUNNERS, order_naively)) == {"True": RUNNERS}
    assert Generation.objects.filter(request_digest="the key").count() == RUNNERS


def test_an_old_idempotency_key_makes_one_new_task_however_many_ask(race_db: None) -> None:
    """Freeing the old key must not free the one that another request has taken meanwhile."""
    for _ in range(count(3, 20)):
        access = an_access(an_organization(10_000))
        old = a_generation(access, idempotency_key="k")
        lifecycle.cancel(old)
        age(old, created_at=86_401)

        def order(_index: int, access: Access = access) -> int:
            return a_generation(access, idempotency_key="k").pk

        outcomes = together(8, order)
        assert len(set(tally(outcomes))) == 1, tally(outcomes)
        assert outcomes[0] != old.pk


def test_freeing_an_old_key_by_its_name_frees_the_one_that_was_taken_meanwhile_control(race_db: None) -> None:
    runners = 8
    access = an_access(an_organization(10_000))
    old = a_generation(access, idempotency_key="k")
    lifecycle.cancel(old)
    age(old, created_at=86_401)
    connection.close()
    everybody_has_looked, one_by_one = threading.Barrier(runners), threading.Lock()

    def order_naively(_index: int) -> int:
        named = Generation.objects.filter(organization=access.organization, idempotency_key="k")
        is_old = named.filter(created_at__lt=ago(86_400)).exists()
        connection.close()
        everybody_has_looked.wait(30)
        with one_by_one:
            if is_old:
                named.update(idempotency_key=None)  # whoever has it by now
            return a_generation(access, idempotency_key="k").pk

    assert len(set(together(runners, order_naively))) == runners


if connection.vendor == "postgresql":  # on SQLite one writer at a time decides, in milliseconds

    def test_a_key_whose_first_request_is_still_undecided_is_in_flight(race_db: None) -> None:
        access = an_access(an_organization(10_000))
        first_has_inserted, second_has_given_up = threading.Event(), threading.Event()

        def order(index: int) -> int:
            if index == 0:
                with transaction.atomic():
                    made = a_generation(access, idempotency_key="k").pk
                    first_has_inserted.set()
                    assert second_has_given_up.wait(30)
                return made
            assert first_has_inserted.wait(30)
            try:
                return a_generation(access, idempotency_key="k").pk
            finally:
                second_has_given_up.set()

        first, second = together(2, order)
        assert isinstance(second, IdempotencyInFlight)
        assert (second.status, second.retry_after) == (409, 2)
        assert a_generation(access, idempotency_key="k").pk == first
        assert_books_are_right()
