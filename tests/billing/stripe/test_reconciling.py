"""Whatever Stripe told us and we did not hear: found within one reconciliation, and booked once."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from billing import audit, checkout, payments, reconciling, stripe_events, stripe_gateway, tasks
from billing.errors import PaymentsAway
from billing.models import (
    LedgerEntry,
    Payment,
    PaymentStatus,
    PaymentStep,
    StripeAccount,
    StripeEvent,
)
from billing.rounds import Round
from billing.stripe_gateway.errors import StripeAway
from tests.accounts.commands import Shell
from tests.billing.stripe.buying import CREDITS, PRICE, Buyer, entries_of, intent_of, steps_of
from tests.billing.stripe.topping_up import a_rule, ordered, outcomes_of
from tests.makers import ago, books_are_right
from tests.threads import together
from tests.till import RunningTill

NewBuyer = Callable[[], Buyer]
in_a_transaction = pytest.mark.django_db
with_commits = pytest.mark.usefixtures("committed_db")


def written() -> list[list[Any]]:
    """Everything that a second reconciliation leaves alone."""
    return [
        list(StripeEvent.objects.order_by("pk").values_list("event_id", "processed_at", "attempts")),
        list(LedgerEntry.objects.order_by("pk").values_list("pk", "kind", "available")),
        list(PaymentStep.objects.order_by("pk").values_list("pk", "credits")),
        list(Payment.objects.order_by("pk").values_list("pk", "status", "credited", "refunded_minor")),
    ]


def in_small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_gateway.events, "PAGE", 2)


# --- What was missed ------------------------------------------------------------------------------


@in_a_transaction
def test_without_any_webhook_credits_come_and_a_second_one_writes_nothing(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyers = [new_buyer() for _ in range(3)]
    for buyer in buyers:
        till.pay(str(buyer.starts().session_id))
    done = reconciling.reconcile()
    assert done.missed_events >= 6
    assert [buyer.wallet()[0] for buyer in buyers] == [CREDITS] * 3
    before = written()
    assert reconciling.reconcile() == reconciling.Reconciled(0, 0)
    assert written() == before
    assert books_are_right()


@in_a_transaction
def test_missed_refunds_and_disputes_are_found_over_several_pages(
    till: RunningTill, new_buyer: NewBuyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_pages(monkeypatch)
    refunded, disputed, won = (new_buyer() for _ in range(3))
    bought = [buyer.buys() for buyer in (refunded, disputed, won)]
    reconciling.reconcile()
    till.refund(intent_of(bought[0]), 500)
    till.dispute(intent_of(bought[1]))
    dispute = till.dispute(intent_of(bought[2]))
    asked = len(till.log())
    assert reconciling.reconcile().missed_events >= 6
    assert sum(one["path"] == "/v1/events" for one in till.log()[asked:]) > 3
    assert [buyer.wallet()[0] for buyer in (refunded, disputed, won)] == [750, 0, 0]
    till.close_dispute(dispute["id"], "won")
    reconciling.reconcile()
    assert steps_of(bought[2]) == [CREDITS, -CREDITS, CREDITS]
    before = written()
    reconciling.reconcile()
    assert written() == before
    assert books_are_right()


@in_a_transaction
def test_a_bank_that_pays_days_later_is_noticed(till: RunningTill, new_buyer: NewBuyer) -> None:
    arrives, fails = new_buyer(), new_buyer()
    good, bad = arrives.starts(), fails.starts()
    for payment in (good, bad):
        till.pay_by_bank(str(payment.session_id))
    reconciling.reconcile()
    assert set(Payment.objects.values_list("status", flat=True)) == {PaymentStatus.PROCESSING}
    till.bank_arrives(str(good.session_id))
    till.bank_fails(str(bad.session_id))
    reconciling.reconcile()
    assert (arrives.wallet()[0], fails.wallet()[0]) == (CREDITS, 0)
    bad.refresh_from_db()
    assert bad.status == PaymentStatus.FAILED
    assert books_are_right()


@in_a_transaction
def test_sessions_that_expired_are_given_up(till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().starts()
    till.expire(str(payment.session_id))
    reconciling.reconcile()
    payment.refresh_from_db()
    assert (payment.status, payment.sync_due_at) == (PaymentStatus.EXPIRED, None)


@in_a_transaction
def test_a_charge_whose_answer_was_lost_is_found_by_its_event(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    rule = a_rule(buyer)
    payment = ordered(rule)
    till.behave(lose_answers=1)
    with pytest.raises(StripeAway):
        stripe_gateway.charging.charge_off_session(
            payment,
            customer_id=str(checkout.customer_id_of(payment.account, buyer.organization.pk)),
            card_id=payment.payment_method_id,
            title="Tintype: automatic top-up",
        )
    reconciling.reconcile()
    assert outcomes_of(rule) == [(PaymentStatus.PAID, "")]
    assert buyer.wallet()[0] == CREDITS


@in_a_transaction
def test_events_of_a_month_are_asked_for_and_no_older_ones(till: RunningTill, new_buyer: NewBuyer) -> None:
    """Stripe keeps them for 30 days; a shop that was off for longer still finds its open purchases."""
    buyer = new_buyer()
    till.pay(str(buyer.starts().session_id))
    StripeAccount.objects.update(events_until=ago(90 * 86400))
    reconciling.reconcile()
    [asked] = [one for one in till.log() if one["path"] == "/v1/events"][-1:]
    account = StripeAccount.objects.get()
    assert account.events_until is not None
    since = account.events_until.timestamp() - float(asked["params"]["created"]["gte"])
    assert 28.9 * 86400 < since < 29.1 * 86400
    assert buyer.wallet()[0] == CREDITS


# --- Trouble on the way ---------------------------------------------------------------------------


@in_a_transaction
def test_when_stripe_goes_away_in_the_middle_what_was_found_stays_and_the_next_one_completes(
    till: RunningTill, new_buyer: NewBuyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_pages(monkeypatch)
    buyers = [new_buyer() for _ in range(2)]
    bought = [buyer.buys() for buyer in buyers]
    for payment in bought:
        till.refund(intent_of(payment), 500)
    store = stripe_events.store

    def store_and_lose_stripe(account: StripeAccount, told: stripe_events.Told) -> bool:
        till.behave(down=True)
        return store(account, told)

    with monkeypatch.context() as patch:
        patch.setattr(stripe_events, "store", store_and_lose_stripe)
        with pytest.raises(StripeAway):
            reconciling.reconcile()
    assert StripeEvent.objects.count() == 2
    assert StripeAccount.objects.get().events_until is None
    till.behave(down=False)
    reconciling.reconcile()
    assert [buyer.wallet()[0] for buyer in buyers] == [750, 750]
    assert not StripeEvent.objects.filter(processed_at=None).exists()
    assert StripeAccount.objects.get().events_until is not None
    assert books_are_right()


@in_a_transaction
def test_when_stripe_goes_away_before_the_payments_the_next_one_looks_at_them(
    till: RunningTill, new_buyer: NewBuyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    till.refund(intent_of(payment), 500)
    process_due = stripe_events.process_due

    def lose_stripe_and_process(sweep: Round) -> int:
        till.behave(down=True)
        return process_due(sweep)

    with monkeypatch.context() as patch:
        patch.setattr(stripe_events, "process_due", lose_stripe_and_process)
        with pytest.raises(StripeAway):
            reconciling.reconcile()
    assert buyer.wallet()[0] == CREDITS
    till.behave(down=False)
    reconciling.reconcile()
    assert buyer.wallet()[0] == 750


@in_a_transaction
def test_one_that_stripe_does_not_know_hides_no_other(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    unknown, paid = buyer.starts(), buyer.starts()
    Payment.objects.filter(pk=unknown.pk).update(session_id="cs_unknown")
    till.pay(str(paid.session_id))
    reconciling.reconcile()
    assert buyer.wallet()[0] == CREDITS
    assert reconciling.reconcile().looked_at == 0


@with_commits
def test_two_at_once_book_everything_once(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyers = [new_buyer() for _ in range(3)]
    begun = [buyer.starts() for buyer in buyers]
    for payment in begun:
        till.pay(str(payment.session_id))
        payment.refresh_from_db()
    connection.close()
    outcomes = together(3, lambda _: reconciling.reconcile())
    assert [one for one in outcomes if isinstance(one, Exception)] == []
    assert [buyer.wallet()[0] for buyer in buyers] == [CREDITS] * 3
    assert [entries_of(payment) for payment in begun] == [1] * 3
    assert audit.check_snapshot() == []


# --- "I paid but see no credits" ------------------------------------------------------------------


@in_a_transaction
@pytest.mark.parametrize("status", [PaymentStatus.OPEN, PaymentStatus.EXPIRED])
def test_a_session_whose_id_was_never_stored_is_found(
    till: RunningTill, new_buyer: NewBuyer, status: str
) -> None:
    """We died between Stripe's answer and our row; also when the row was given up since."""
    buyer, other = new_buyer(), new_buyer()
    payment = buyer.starts()
    till.pay(str(payment.session_id))
    till.pay(str(other.starts().session_id))
    Payment.objects.filter(pk=payment.pk).update(session_id=None, status=status)
    assert reconciling.look_for(buyer.access) == [payment]
    assert (buyer.wallet()[0], other.wallet()[0]) == (CREDITS, 0)
    assert reconciling.look_for(buyer.access) == []
    assert books_are_right()


@in_a_transaction
def test_what_is_not_paid_or_credited_already_is_not_found(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    assert reconciling.look_for(buyer.access) == []
    buyer.buys()
    buyer.starts()
    assert reconciling.look_for(buyer.access) == []
    assert buyer.wallet()[0] == CREDITS


@in_a_transaction
def test_one_that_stripe_does_not_know_hides_no_other_from_who_looks(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    unknown, paid = buyer.starts(), buyer.starts()
    Payment.objects.filter(pk=unknown.pk).update(session_id="cs_unknown")
    till.pay(str(paid.session_id))
    assert reconciling.look_for(buyer.access) == [paid]


@in_a_transaction
def test_who_looks_while_stripe_is_away_hears_it(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    till.pay(str(buyer.starts().session_id))
    till.behave(down=True)
    with pytest.raises(PaymentsAway):
        reconciling.look_for(buyer.access)
    till.behave(down=False)
    assert len(reconciling.look_for(buyer.access)) == 1


# --- When it is done ------------------------------------------------------------------------------


@in_a_transaction
def test_it_is_due_an_hour_after_the_last_whenever_a_process_was_started(
    till: RunningTill, new_buyer: NewBuyer, settings: Settings
) -> None:
    assert not reconciling.due(), "Nobody has ever bought anything."
    buyer = new_buyer()
    till.pay(str(buyer.starts().session_id))
    till.behave(down=True)
    tasks.reconcile()
    assert reconciling.due(), "It came to no end."
    till.behave(down=False)
    tasks.reconcile()
    assert (buyer.wallet()[0], reconciling.due()) == (CREDITS, [])
    asked = len(till.log())
    tasks.reconcile()
    assert len(till.log()) == asked
    StripeAccount.objects.update(events_until=ago(3601))
    assert reconciling.due()
    settings.STRIPE_SECRET_KEY = ""
    assert not reconciling.due()
    assert reconciling.reconcile() == reconciling.Reconciled()


@pytest.fixture
def shell(committed_db: None, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


def test_an_operator_can_have_it_now(shell: Shell, till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.starts()
    till.pay_by_bank(str(payment.session_id))
    first = shell("reconcile_stripe")
    assert (first.code, first.out[:17]) == (0, '{"missed_events":')
    assert '"looked_at":1}' in first.out
    till.bank_arrives(str(payment.session_id))
    payments.sync_payment(payment.pk)
    assert shell("reconcile_stripe").code == 0
    assert shell.answer("reconcile_stripe") == '{"missed_events":0,"looked_at":0}'
    assert (buyer.wallet()[0], PRICE) == (CREDITS, 2000)
    assert shell.answer("check_ledger") == "ok"


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("down", "Stripe is away (APIError: An unknown error occurred.). What was found is kept"),
        ("wrong key", "Stripe refuses (AuthenticationError: "),
        ("no key", "STRIPE_SECRET_KEY is not set"),
    ],
)
def test_the_command_says_in_one_line_why_not(
    shell: Shell, till: RunningTill, new_buyer: NewBuyer, settings: Settings, trouble: str, words: str
) -> None:
    new_buyer().starts()
    if trouble == "down":
        till.behave(down=True)
    else:
        settings.STRIPE_SECRET_KEY = "sk_test_of_another" if trouble == "wrong key" else ""
    assert shell.refusal("reconcile_stripe").startswith(words)
