"""An organization is deleted while its customers order: nothing is left held, and the books agree."""

import threading

import pytest
from django.db import OperationalError, connection, transaction

from accounts.clock import db_now
from accounts.errors import DomainError
from accounts.models import Organization
from accounts.privacy import closing
from billing.models import Wallet
from generations import lifecycle
from generations.models import OPEN, Generation
from tests.cast import access_of_user, found, give_credits
from tests.concurrency.outcomes import assert_books_are_right, tally
from tests.makers import a_generation, a_submitted, ago, an_access, stored_images, wallet_of
from tests.scale import count
from tests.threads import together

DAYS_15_S = 15 * 86_400


@pytest.mark.usefixtures("race_db")
def test_closing_among_orders_leaves_nothing_held() -> None:
    owner = found("owner@studio.example", "Busy")
    organization = owner.organization
    give_credits(organization, 10_000)
    Wallet.objects.update(open_limit=1000)
    keys = [an_access(organization) for _ in range(2)]

    def work(index: int) -> str:
        if index == 0:
            return f"asked {closing.ask(access_of_user(owner.user))}"
        if index == 1:
            for _ in range(count(5, 50)):
                closing.close_due()
            return "swept"
        for _ in range(count(5, 40)):
            try:
                if index % 2:
                    generation, attempt = a_submitted(keys[0])
                    lifecycle.succeed(generation, attempt, stored_images(generation, 1))
                else:
                    a_generation(keys[1])
            except (DomainError, AssertionError):
                continue  # refused, or canceled before this worker had it
        return "ordered"

    assert tally(together(8, work, timeout_s=120)) == {"asked True": 1, "swept": 1, "ordered": 6}
    Organization.objects.filter(pk=organization.pk).update(closing_at=ago(DAYS_15_S))
    results = tally(together(4, lambda _index: closing.close_due(), timeout_s=120))
    assert results.get("1") == 1, results
    assert not Generation.objects.filter(status__in=OPEN).exists()
    assert not Generation.objects.exclude(prompt="").exists()
    assert wallet_of(organization) == (0, 0, 0, 0)
    assert_books_are_right()


@pytest.mark.usefixtures("race_db")
def test_reading_that_it_is_not_closed_first_closes_it_as_often_as_somebody_looks_control() -> None:
    organization = found("owner@studio.example", "Busy").organization
    Organization.objects.filter(pk=organization.pk).update(closing_at=ago(DAYS_15_S))
    connection.close()
    everybody_has_read = threading.Barrier(4)

    def close_naively(_index: int) -> bool:
        mine = Organization.objects.filter(pk=organization.pk)
        is_open = mine.filter(closed_at=None).exists()
        connection.close()
        everybody_has_read.wait(30)
        return is_open and bool(mine.update(closed_at=db_now()))

    assert tally(together(4, close_naively)) == {"True": 4}


if connection.vendor == "postgresql":  # SQLite has one lock, and nobody can wait in a circle for one

    @pytest.mark.usefixtures("race_db")
    def test_canceling_all_in_one_transaction_deadlocks_control() -> None:
        access = an_access(found("owner@studio.example", "Busy").organization)
        give_credits(access.organization, 1000)
        first, second = a_generation(access), a_generation(access)
        both_hold_one = threading.Barrier(2)

        def work(index: int) -> str:
            try:
                with transaction.atomic():
                    if index == 0:
                        lifecycle.cancel(first)  # holds the wallet from here on
                    else:
                        Generation.objects.select_for_update().get(pk=second.pk)
                    both_hold_one.wait(10)
                    lifecycle.cancel(second)
            except OperationalError as error:
                return "deadlock" if "deadlock detected" in str(error) else str(error)
            return "done"

        assert sorted(map(str, together(2, work))) == ["deadlock", "done"]
