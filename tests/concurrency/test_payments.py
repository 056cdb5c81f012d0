"""Everything about one payment at the same moment, on real commits: one top-up."""

import itertools
import random
import threading
from collections import Counter

import pytest
from django.db import connection

from billing import audit, checkout, ledger, payments, refunds, stripe_events
from billing.models import LedgerEntry, Payment, PaymentKind, PaymentStatus
from tests.billing.stripe.buying import CREDITS, a_buyer, a_pack, arrives, events_about, steps_of
from tests.billing.stripe.conftest import till
from tests.cast import Person
from tests.concurrency.outcomes import tally
from tests.makers import wallet_of
from tests.pages import browser_of
from tests.scale import count
from tests.threads import together
from tests.till import RunningTill

__all__ = ["till"]  # a fixture
RUNNERS = 8


def test_every_event_three_times_shuffled_by_eight_threads(race_db: None, till: RunningTill) -> None:
    for round_ in range(count(1, 10)):
        buyer = a_buyer(till)
        payment = buyer.starts()
        session = str(payment.session_id)
        till.pay_by_bank(session)
        till.bank_arrives(session)
        intent = str(till.client().v1.checkout.sessions.retrieve(session).payment_intent)
        till.refund(intent, 500)
        till.refund(intent, 300)
        till.close_dispute(till.dispute(intent)["id"], "won")
        events = events_about(till, payment) * 3
        random.Random(round_).shuffle(events)
        shares = [events[index::RUNNERS] for index in range(RUNNERS)]
        connection.close()

        def deliver(index: int, shares: list[list[dict[str, object]]] = shares) -> str:
            for event in shares[index]:
                stripe_events.process(arrives(event))
            return "done"

        assert tally(together(RUNNERS, deliver)) == {"done": RUNNERS}
        payments.sync_payment(payment.pk)
        assert wallet_of(buyer.organization) == (600, 0, 0, 1200 * 10_000)
        assert steps_of(payment) == [600]
    assert audit.check_snapshot() == []


def test_looks_while_a_payment_lives_book_each_change_once(race_db: None, till: RunningTill) -> None:
    """Eight threads look without pause while it is paid, refunded, disputed, and the dispute is won."""
    buyer = a_buyer(till)
    payment = buyer.starts()
    session = str(payment.session_id)
    is_over = threading.Event()

    def work(index: int) -> str:
        if index:
            while not is_over.is_set():
                payments.sync_payment(payment.pk)
            return "looked"
        try:
            till.pay(session)
            intent = str(till.client().v1.checkout.sessions.retrieve(session).payment_intent)
            till.refund(intent, 500)
            till.close_dispute(till.dispute(intent)["id"], "won")
        finally:
            is_over.set()
        return "lived"

    assert tally(together(RUNNERS, work)) == {"looked": RUNNERS - 1, "lived": 1}
    payments.sync_payment(payment.pk)
    assert wallet_of(buyer.organization)[0] == 750
    assert sum(steps_of(payment)) == 750
    assert audit.check_snapshot() == []


def test_booking_what_was_missing_when_it_was_read_credits_many_times_control(
    race_db: None, till: RunningTill
) -> None:
    """What sync_payment would be without its lock and its number."""
    buyer = a_buyer(till)
    payment = buyer.starts()
    till.pay(str(payment.session_id))
    everybody_has_read = threading.Barrier(RUNNERS)
    numbers = itertools.count(1)

    def credit_naively(_index: int) -> str:
        row = Payment.objects.get(pk=payment.pk)
        target = payments.due(row, payments.ask(row))  # type: ignore[arg-type]
        missing = target.credits - row.credited
        connection.close()
        everybody_has_read.wait(30)
        ledger.top_up(
            row.organization_id,
            missing,
            net_value_micros=0,
            reference=f"made:{row.pk}:{next(numbers)}",
            actor="system",
        )
        return "credited"

    assert tally(together(RUNNERS, credit_naively)) == {"credited": RUNNERS}
    assert wallet_of(buyer.organization)[0] == RUNNERS * CREDITS


def test_the_page_after_the_checkout_20_times_while_the_webhook_arrives(
    race_db: None, till: RunningTill
) -> None:
    for _ in range(count(1, 10)):
        buyer = a_buyer(till)
        payment = buyer.starts()
        session = str(payment.session_id)
        till.pay(session)
        events = events_about(till, payment)
        assert buyer.access.user
        clients = [browser_of(Person(buyer.access.user, buyer.organization)) for _ in range(20)]
        connection.close()

        def visit(index: int, session: str = session) -> str:
            if index == 20:
                for event in events:  # noqa: B023
                    stripe_events.process(arrives(event))
                return "heard"
            answer = clients[index].get("/credits/return/", {"session_id": session})  # noqa: B023
            assert answer.status_code == 200
            assert "1,000 credits were added to your wallet" in answer.content.decode()
            return "seen"

        assert tally(together(21, visit)) == {"seen": 20, "heard": 1}
        kinds = Counter(
            LedgerEntry.objects.filter(wallet__organization=buyer.organization).values_list("kind", flat=True)
        )
        assert kinds == {"top_up": 1}
    assert audit.check_snapshot() == []


def test_many_who_begin_a_checkout_at_once_leave_no_more_than_may_wait(
    race_db: None, till: RunningTill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "MOST_WAITING", 3)
    buyer = a_buyer(till)
    buyer.starts()
    packs = [a_pack(2000 + number) for number in range(RUNNERS)]
    connection.close()
    outcomes = tally(
        together(RUNNERS, lambda index: type(checkout.start(buyer.access, packs[index])).__name__)
    )
    assert set(outcomes) <= {"Started", "PaymentsAway"}
    assert outcomes["Started"] >= 2
    waiting = Payment.objects.filter(organization=buyer.organization, status=PaymentStatus.OPEN)
    assert 2 <= waiting.count() <= 3


def test_counting_before_others_have_begun_leaves_more_control(race_db: None, till: RunningTill) -> None:
    """What `_begin` would be without its lock."""
    buyer, pack = a_buyer(till), a_pack()
    everybody_has_counted = threading.Barrier(RUNNERS)

    def begin_naively(_index: int) -> str:
        waiting = checkout._waiting(buyer.organization).count()
        connection.close()
        everybody_has_counted.wait(30)
        if waiting < 3:
            checkout.agree(buyer.organization, pack, PaymentKind.CHECKOUT, actor="system")
        return "begun"

    connection.close()
    assert tally(together(RUNNERS, begin_naively)) == {"begun": RUNNERS}
    assert checkout._waiting(buyer.organization).count() == RUNNERS


def test_a_refund_that_is_asked_for_by_many_at_once_is_given_once(race_db: None, till: RunningTill) -> None:
    payment = a_buyer(till).buys()
    connection.close()

    def give_back(_index: int) -> int:
        return refunds.refund(payment.pk, 500, actor="system", reason="a fair wish", number=1).pk

    asked = together(RUNNERS, give_back)
    assert tally([type(one).__name__ for one in asked]) == {"int": 1, "Stale": RUNNERS - 1}
    payments.sync_payment(payment.pk)
    payment.refresh_from_db()
    assert (payment.refunded_minor, payment.refunds.count()) == (500, 1)
    assert audit.check_snapshot() == []


def test_refunds_that_do_not_say_which_they_are_are_given_each_control(
    race_db: None, till: RunningTill
) -> None:
    payment = a_buyer(till).buys()
    connection.close()
    together(2, lambda _index: refunds.refund(payment.pk, 500, actor="system", reason="a fair wish"))
    payments.sync_payment(payment.pk)
    payment.refresh_from_db()
    assert payment.refunded_minor == 1000
