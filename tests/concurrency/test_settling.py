"""One end, one settlement, one top-up: whoever races whom."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import F

from accounts.access import Access
from billing import ledger
from billing.models import SETTLEMENTS, LedgerEntry, Wallet
from generations import doorbell, lifecycle, sweeps
from generations.errors import AlreadyEnded
from generations.lifecycle.parts import parts_of
from generations.models import OPEN, Attempt, Generation, Image
from tests.concurrency.conftest import RUNNERS
from tests.concurrency.outcomes import assert_books_are_right, tally
from tests.makers import (
    PRICE_CREDITS,
    a_claimed,
    a_generation,
    a_submitted,
    age,
    an_access,
    an_organization,
    settlements_of,
    status_of,
    stored_images,
    wallet_of,
)
from tests.scale import count
from tests.threads import together


def succeed(generation: Generation, attempt: Attempt) -> str:
    images = stored_images(generation, 1, attempt.first_index)
    return "succeeded" if lifecycle.succeed(generation, attempt, images) else "late"


def keep_part(generation: Generation, attempt: Attempt) -> bool:
    return lifecycle.keep_part(generation, attempt, stored_images(generation, 1), brought=1)


def cancel(generation: Generation, _attempt: Attempt) -> str:
    try:
        lifecycle.cancel(generation)
    except AlreadyEnded:
        return "late"
    return "canceled"


def a_last_of(access: Access, n: int) -> tuple[Generation, Attempt]:
    """An order of which all images but one are there, and that one is being made."""
    generation, attempt = a_submitted(access, n=n)
    for _ in range(n - 1):
        images = stored_images(generation, 1, attempt.first_index)
        assert lifecycle.keep_part(generation, attempt, images, brought=1)
        claimed = lifecycle.claim(generation.pk)
        assert claimed is not None
        again = lifecycle.mark_submitted(claimed, "sandbox")
        assert again is not None
        generation, attempt = claimed, again
    return generation, attempt


def race(access: Access, *runners: Callable[[Generation, Attempt], str], n: int = 1) -> str:
    """The status in which the race ended; exactly one kind of runner won it, and it is settled as that says."""
    generation, attempt = a_last_of(access, n)
    connection.close()
    outcomes = together(len(runners), lambda index: runners[index](generation, attempt))
    status, _error = status_of(generation)
    # Whoever succeeds under the claim that did is told so: the answer to its commit may have been lost.
    winners = runners.count(succeed) if status == "succeeded" else 1
    assert sorted(outcomes, key=str) == sorted([status] * winners + ["late"] * (len(runners) - winners))
    assert settlements_of(generation) == ["capture" if status == "succeeded" else "release"]
    return status


@pytest.mark.parametrize("n", [1, 2])
def test_a_cancel_that_races_a_success_has_one_winner(race_db: None, n: int) -> None:
    organization = an_organization(1_000_000)
    access = an_access(organization)
    ended: list[str] = []
    while len(ended) < count(20, 200) or len(set(ended)) < 2:
        runners = (succeed, cancel) if len(ended) % 2 else (cancel, succeed)
        ended.append(race(access, *runners, n=n))
        assert len(ended) < 1000, f"only one outcome was seen: {set(ended)}"
    assert wallet_of(organization)[:2] == (1_000_000 - n * PRICE_CREDITS * ended.count("succeeded"), 0)
    assert Image.objects.count() == n * ended.count("succeeded")
    assert_books_are_right()


def test_a_part_that_races_the_deadline_is_paid_or_never_was(race_db: None) -> None:
    organization = an_organization(1_000_000)
    access = an_access(organization)
    ended: list[str] = []
    while len(ended) < count(20, 200) or len(set(ended)) < 2:
        racing = a_submitted(access, n=2)
        age(racing[0], deadline_at=1)
        connection.close()
        part = len(ended) % 2  # who of the two is started first

        def run(index: int, part: int = part, racing: tuple[Generation, Attempt] = racing) -> bool:
            return keep_part(*racing) if index == part else lifecycle.expire(racing[0])

        done = together(2, run)
        assert done[1 - part] is True, "Kept before or after, the deadline ends it"
        ended.append(status_of(racing[0])[0])
        assert ended[-1] == ("succeeded" if done[part] else "failed")
        assert settlements_of(racing[0]) == ["capture" if done[part] else "release"]
        assert len(ended) < 1000, f"only one outcome was seen: {set(ended)}"
    assert wallet_of(organization)[:2] == (1_000_000 - PRICE_CREDITS * ended.count("succeeded"), 0)
    assert_books_are_right()


def test_parts_read_before_the_row_is_locked_are_lost_control(race_db: None) -> None:
    generation, attempt = a_submitted(an_access(an_organization(100)), n=2)
    connection.close()
    one_has_read, the_other_has_kept = threading.Event(), threading.Event()

    def end_naively(index: int) -> int:
        if index:
            one_has_read.wait(30)
            keep_part(generation, attempt)
            connection.close()
            the_other_has_kept.set()
            return 0
        parts = len(parts_of(generation))
        connection.close()
        one_has_read.set()
        the_other_has_kept.wait(30)
        Generation.objects.filter(pk=generation.pk, status__in=OPEN).update(
            status="failed", finished_at=F("created_at")
        )
        return parts

    assert together(2, end_naively) == [0, 0]
    assert len(parts_of(generation)) == 1, "It was made, and neither shown nor paid"


def test_many_that_end_one_generation_have_one_winner(race_db: None) -> None:
    def expire(generation: Generation, _attempt: Attempt) -> str:
        return "failed" if lifecycle.expire(generation) else "late"

    def end(generation: Generation, attempt: Attempt) -> str:
        ended = lifecycle.fail(generation, "generation_failed", attempt=attempt, outcome="failed")
        return "failed" if ended else "late"

    access = an_access(an_organization(1_000_000))
    for _ in range(count(5, 50)):
        race(access, succeed, cancel, succeed, end, cancel, expire, succeed)
    assert_books_are_right()


def test_reading_the_status_first_has_two_winners_control(race_db: None) -> None:
    generation, _attempt = a_submitted(an_access(an_organization(100)))
    connection.close()
    both_have_read = threading.Barrier(2)

    def end_naively(index: int) -> bool:
        is_open = Generation.objects.get(pk=generation.pk).status == "running"
        connection.close()
        both_have_read.wait(30)
        if is_open:
            rows = Generation.objects.filter(pk=generation.pk)
            rows.update(status=("succeeded", "canceled")[index], finished_at=F("created_at"))
        return is_open

    assert together(2, end_naively) == [True, True]


def test_a_hold_is_settled_once_however_many_try(race_db: None) -> None:
    organization = an_organization(1000)
    ledger.hold(organization.pk, 100, reference="generation:x", actor="system", key_id=None)

    def settle(index: int) -> str:
        common = {"reference": "generation:x", "actor": "system"}
        if index % 2:
            entry = ledger.capture(organization.pk, 40, key_id=None, **common)
        else:
            entry = ledger.release(organization.pk, key_id=None, **common)
        return "nothing" if entry is None else "settled"

    assert tally(together(RUNNERS, settle)) == {"settled": 1, "nothing": RUNNERS - 1}
    assert wallet_of(organization)[0] in (960, 1000)


def test_looking_for_the_settlement_first_returns_a_hold_many_times_control(race_db: None) -> None:
    """Each more is taken from what other orders hold."""
    organization = an_organization(100 * RUNNERS)
    for reference, credits in (("generation:x", 100), ("generation:others", 100 * (RUNNERS - 1))):
        ledger.hold(organization.pk, credits, reference=reference, actor="system", key_id=None)
    connection.close()
    everybody_has_looked = threading.Barrier(RUNNERS)

    def release_naively(_index: int) -> bool:
        settled = LedgerEntry.objects.filter(reference="generation:x", kind__in=SETTLEMENTS)
        is_open = not settled.exists()
        connection.close()
        everybody_has_looked.wait(30)
        if is_open:
            wallet = Wallet.objects.filter(organization=organization)
            wallet.update(available=F("available") + 100, held=F("held") - 100)
        return is_open

    assert tally(together(RUNNERS, release_naively)) == {"True": RUNNERS}
    assert wallet_of(organization)[:2] == (100 * RUNNERS, 0)


def test_one_payment_is_credited_once_however_often_it_is_told(race_db: None) -> None:
    for round_ in range(count(2, 20)):
        organization = an_organization()

        def top_up(_index: int, wallet: int = organization.pk, reference: str = f"made:{round_}:1") -> str:
            entry = ledger.top_up(wallet, 100, net_value_micros=5, reference=reference, actor="system")
            return "nothing" if entry is None else "credited"

        assert tally(together(RUNNERS, top_up)) == {"credited": 1, "nothing": RUNNERS - 1}
        assert wallet_of(organization) == (100, 0, 0, 5)
    assert_books_are_right()


def test_looking_for_the_entry_first_credits_many_times_control(race_db: None) -> None:
    organization = an_organization()
    everybody_has_looked = threading.Barrier(RUNNERS)

    def top_up_naively(_index: int) -> bool:
        is_new = not LedgerEntry.objects.filter(reference="payment:1:1").exists()
        connection.close()
        everybody_has_looked.wait(30)
        if is_new:
            Wallet.objects.filter(organization=organization).update(available=F("available") + 100)
        return is_new

    assert tally(together(RUNNERS, top_up_naively)) == {"True": RUNNERS}
    assert wallet_of(organization)[0] == 100 * RUNNERS


def test_one_credit_back_for_one_refund(race_db: None) -> None:
    organization = an_organization(1000, 1000)

    def claw_back(_index: int) -> str:
        entry = ledger.claw_back(organization.pk, 300, value_micros=300, reference="made:9:2", actor="system")
        return "nothing" if entry is None else "taken"

    assert tally(together(RUNNERS, claw_back)) == {"taken": 1, "nothing": RUNNERS - 1}
    assert wallet_of(organization) == (700, 0, 0, 700)


def test_looking_for_the_entry_first_takes_a_refund_back_many_times_control(race_db: None) -> None:
    organization = an_organization(1000)
    connection.close()
    everybody_has_looked = threading.Barrier(RUNNERS)

    def claw_back_naively(_index: int) -> bool:
        is_new = not LedgerEntry.objects.filter(reference="made:9:2", kind="claw_back").exists()
        connection.close()
        everybody_has_looked.wait(30)
        if is_new:
            Wallet.objects.filter(organization=organization).update(available=F("available") - 10)
        return is_new

    assert tally(together(RUNNERS, claw_back_naively)) == {"True": RUNNERS}
    assert wallet_of(organization)[0] == 1000 - 10 * RUNNERS


# --- Sweeps --------------------------------------------------------------------------------------

SWEEPERS = 8
ROWS = 6


def test_sweeps_at_once_change_and_ring_each_row_once(race_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    access = an_access(an_organization(1_000_000))
    Wallet.objects.update(open_limit=1000)
    overdue, due = ([a_generation(access) for _ in range(ROWS)] for _ in range(2))
    unsubmitted = [a_claimed(access) for _ in range(ROWS)]
    submitted = [a_submitted(access)[0] for _ in range(ROWS)]
    for row in overdue:
        age(row, deadline_at=1)
    for row in due:
        age(row, dispatch_after=1)
    for row in (*unsubmitted, *submitted):
        age(row, lease_until=1)
    rung: list[int] = []

    def hear(generation_id: int) -> bool:
        if (
            threading.current_thread().name != "doorbell"
        ):  # it may be late with the rings of the orders themselves
            rung.append(generation_id)
        return True

    monkeypatch.setattr(doorbell, "publish", hear)

    def sweep(_index: int) -> tuple[int, int, int, int]:
        return (
            sweeps.expire_overdue(),
            sweeps.requeue_lost(),
            sweeps.drive_again(),
            sweeps.ring_again(),
        )

    done = together(SWEEPERS, sweep)
    changed = [sum(column) for column in zip(*done, strict=True)]
    assert changed == [ROWS, ROWS, ROWS, 3 * ROWS]
    assert sorted(rung) == sorted(row.pk for row in (*due, *unsubmitted, *submitted))
    assert_books_are_right()


def test_sweeps_that_only_read_ring_each_row_many_times_control(race_db: None) -> None:
    generation = a_generation(an_access(an_organization(100)))
    age(generation, dispatch_after=1)
    everybody_has_read = threading.Barrier(SWEEPERS)
    rung: list[int] = []

    def sweep_naively(_index: int) -> None:
        due = list(Generation.objects.filter(status="queued").values_list("pk", flat=True))
        connection.close()
        everybody_has_read.wait(30)
        rung.extend(due)

    together(SWEEPERS, sweep_naively)
    assert rung == [generation.pk] * SWEEPERS


def test_a_worker_that_renews_keeps_its_generation_from_sweeps(race_db: None) -> None:
    """Either the worker goes on or the sweep has taken it, never both."""
    access = an_access(an_organization(1_000_000))
    Wallet.objects.update(open_limit=1000)
    for _ in range(count(10, 100)):
        generation, attempt = a_submitted(access)
        age(generation, lease_until=1)
        connection.close()

        def run(index: int, generation: Generation = generation) -> bool:
            if index:
                return lifecycle.renew(generation)
            return bool(sweeps.drive_again())

        swept, renewed = together(2, run)
        status, _error = status_of(generation)
        assert status == ("queued" if swept else "running")
        assert swept or renewed
        assert succeed(generation, attempt) == ("late" if swept else "succeeded")
        if swept:
            lifecycle.cancel(generation)
    assert_books_are_right()


def test_a_lease_that_was_over_when_it_was_read_takes_the_work_from_who_renewed_it_control(
    race_db: None,
) -> None:
    generation, attempt = a_submitted(an_access(an_organization(100)))
    age(generation, lease_until=1)
    [lost] = sweeps._lost(submitted=True)
    assert lifecycle.renew(generation)
    assert not lifecycle.hand_back(lost, 0, lost=True)
    assert lifecycle.hand_back(lost, 0), "Without a second look at the lease"
    assert status_of(generation)[0] == "queued"
    assert succeed(generation, attempt) == "late", "Its worker was told that it keeps it"
