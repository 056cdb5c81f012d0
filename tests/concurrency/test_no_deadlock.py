"""One hot wallet, everything at once: locks are taken in one order, so nobody waits in a circle."""

import threading
from collections.abc import Callable

from django.db import OperationalError, connection, transaction

from accounts.errors import DomainError
from billing import ledger
from billing.models import KeyUsage, Wallet
from generations import lifecycle, sweeps
from tests.concurrency.outcomes import assert_books_are_right, tally
from tests.makers import (
    a_generation,
    a_submitted,
    age,
    an_access,
    an_organization,
    new_reference,
    stored_images,
)
from tests.scale import count
from tests.threads import together

THREADS = 16


def test_everything_at_once_on_one_wallet_never_deadlocks(race_db: None) -> None:
    organization = an_organization(500, 5000)
    Wallet.objects.update(open_limit=12)
    accesses = [an_access(organization) for _ in range(2)]

    def finish(index: int) -> None:
        generation, attempt = a_submitted(accesses[index % 2])
        lifecycle.succeed(generation, attempt, stored_images(generation, 1))

    def cancel(index: int) -> None:
        lifecycle.cancel(a_generation(accesses[index % 2]))

    def top_up(_index: int) -> None:
        ledger.top_up(organization.pk, 30, net_value_micros=300, reference=new_reference(), actor="system")

    def claw_back(_index: int) -> None:
        ledger.claw_back(organization.pk, 7, value_micros=70, reference=new_reference(), actor="system")

    def lose(index: int) -> None:
        generation, _attempt = a_submitted(accesses[index % 2])
        age(generation, deadline_at=1)
        sweeps.sweep()

    jobs: list[Callable[[int], None]] = [finish, cancel, top_up, claw_back, lose, finish, cancel, top_up]

    def work(index: int) -> str:
        for round_ in range(count(5, 40)):
            try:
                jobs[(index + round_) % len(jobs)](index)
            except DomainError:
                continue  # refused: no credit or too many open tasks just now
        return "done"

    assert tally(together(THREADS, work, timeout_s=300)) == {"done": THREADS}
    assert_books_are_right()


if connection.vendor == "postgresql":  # SQLite has one lock, and nobody can wait in a circle for one

    def test_locks_in_opposite_orders_deadlock_control(race_db: None) -> None:
        organization = an_organization(100)
        access = an_access(organization)
        assert access.key
        KeyUsage.objects.create(key=access.key)
        both_hold_one = threading.Barrier(2)

        def lock(index: int) -> str:
            tables: list[type[Wallet] | type[KeyUsage]] = [Wallet, KeyUsage]
            try:
                with transaction.atomic():
                    tables[index].objects.select_for_update().get()
                    both_hold_one.wait(10)
                    tables[1 - index].objects.select_for_update().get()
            except OperationalError as error:
                return "deadlock" if "deadlock detected" in str(error) else str(error)
            return "done"

        assert sorted(map(str, together(2, lock))) == ["deadlock", "done"]
