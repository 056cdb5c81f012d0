"""What Stripe tells us, in any order, any number of times, or not at all: the same wallet."""

import itertools
import random
from collections.abc import Callable

import pytest

from accounts.models import AlertKind, OperatorAlert
from billing import notices, payments, stripe_events
from billing.models import Payment, StripeEvent
from tests import scale
from tests.billing.stripe.buying import (
    CREDITS,
    Buyer,
    arrives,
    entries_of,
    events_about,
    intent_of,
    steps_of,
)
from tests.makers import ago, books_are_right
from tests.till import RunningTill

pytestmark = pytest.mark.django_db
NewBuyer = Callable[[], Buyer]
LIFE = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.closed",
)


def is_taken_in(event: StripeEvent) -> bool:
    return stripe_events.process(event)


def a_whole_life(buyer: Buyer) -> Payment:
    """Paid by bank, a quarter refunded, the rest disputed and won; nobody has looked at it yet."""
    till, payment = buyer.till, buyer.starts()
    session = str(payment.session_id)
    till.pay_by_bank(session)
    till.bank_arrives(session)
    intent = till.client().v1.checkout.sessions.retrieve(session).payment_intent
    assert isinstance(intent, str)
    till.refund(intent, 500)
    till.close_dispute(till.dispute(intent)["id"], "won")
    return payment


def test_every_order_of_a_payments_events_ends_in_the_same_wallet(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    orders = list(itertools.permutations(LIFE))
    random.Random(1).shuffle(orders)
    for order in orders[: scale.count(8, 120)]:
        buyer = new_buyer()
        payment = a_whole_life(buyer)
        by_type = {event["type"]: event for event in events_about(till, payment)}
        for name in order:
            assert is_taken_in(arrives(by_type[name]))
        payment.refresh_from_db()
        assert (buyer.wallet()[0], payment.credited, entries_of(payment)) == (750, 750, 1), order
    assert books_are_right()


def test_each_step_is_booked_when_its_events_come_as_it_happens(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    """And each event twice more at the end, when it says what is long past."""
    buyer = new_buyer()
    payment = buyer.starts()
    session = str(payment.session_id)
    seen: list[str] = []

    def hear() -> int:
        for event in events_about(till, payment):
            if event["id"] not in seen:
                seen.append(str(event["id"]))
                assert is_taken_in(arrives(event))
        return buyer.wallet()[0]

    till.pay_by_bank(session)
    assert hear() == 0
    till.bank_arrives(session)
    assert hear() == CREDITS
    till.refund(intent_of(payment), 500)
    assert hear() == 750
    dispute = till.dispute(intent_of(payment))
    assert hear() == 0
    till.close_dispute(dispute["id"], "won")
    assert hear() == 750
    for event in StripeEvent.objects.order_by("-pk"):
        for _ in range(2):
            StripeEvent.objects.filter(pk=event.pk).update(processed_at=None)
            assert is_taken_in(event)
    assert (buyer.wallet()[0], steps_of(payment)) == (750, [1000, -250, -750, 750])
    assert books_are_right()


def test_an_event_is_stored_once_and_processed_once(till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().starts()
    till.pay(str(payment.session_id))
    [event] = [e for e in events_about(till, payment) if e["type"] == "checkout.session.completed"]
    first = arrives(event)
    assert arrives(event).pk == first.pk
    assert stripe_events.process_due() == 1
    assert stripe_events.process_due() == 0
    first.refresh_from_db()
    assert (first.payment, first.error) == (payment, "")
    assert first.processed_at is not None


def test_a_refund_that_is_heard_of_before_the_purchase_finds_it_at_stripe(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    payment = buyer.starts()
    till.pay(str(payment.session_id))
    intent = till.client().v1.checkout.sessions.retrieve(str(payment.session_id)).payment_intent
    assert isinstance(intent, str)
    till.refund(intent, 500)
    event = next(e for e in till.events("refund.created") if e["data"]["object"]["payment_intent"] == intent)
    assert is_taken_in(arrives(event))
    payment.refresh_from_db()
    assert payment.credited == 750


def test_a_session_whose_id_we_never_wrote_down_is_found_by_our_own(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    payment = new_buyer().starts()
    till.pay(str(payment.session_id))
    [event] = [e for e in events_about(till, payment) if e["type"] == "checkout.session.completed"]
    Payment.objects.filter(pk=payment.pk).update(session_id=None)
    assert is_taken_in(arrives(event))
    payment.refresh_from_db()
    assert (payment.session_id, payment.credited) == (event["data"]["object"]["id"], CREDITS)


def test_somebody_elses_session_that_bears_our_reference_is_not_ours(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    """A payment link lets anybody choose `client_reference_id`; only we write the metadata."""
    payment = new_buyer().starts()
    Payment.objects.filter(pk=payment.pk).update(session_id=None)
    foreign = till.client().v1.checkout.sessions.create(
        {
            "mode": "payment",
            "client_reference_id": payment.public_id,
            "success_url": "http://shop.example/",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {"currency": "usd", "unit_amount": 2000, "product_data": {"name": "x"}},
                }
            ],
        }
    )
    till.pay(foreign.id)
    for event in till.events():
        if event["data"]["object"]["id"] == foreign.id and event["type"] in stripe_events.HANDLED:
            assert is_taken_in(arrives(event))
    payment.refresh_from_db()
    assert (payment.session_id, payment.credited) == (None, 0)
    assert not StripeEvent.objects.exclude(payment=None).exists()


def test_an_object_that_is_not_ours_is_processed_and_changes_nothing(till: RunningTill) -> None:
    event = {
        "id": "evt_foreign",
        "object": "event",
        "type": "charge.refunded",
        "livemode": False,
        "created": 1_700_000_000,
        "data": {"object": {"object": "charge", "id": "ch_foreign", "payment_intent": "pi_foreign"}},
    }
    assert is_taken_in(arrives(event))
    assert not Payment.objects.exists()


def test_while_stripe_is_away_an_event_stays_in_the_inbox(till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().starts()
    till.pay(str(payment.session_id))
    event = next(
        e
        for e in till.events("payment_intent.succeeded")
        if e["data"]["object"]["metadata"] == {"payment": payment.public_id}
    )
    event["data"]["object"]["metadata"] = {}  # so that Stripe has to be asked whose it is
    row = arrives(event)
    till.behave(down=True)
    assert stripe_events.process_due() == 0
    row.refresh_from_db()
    assert (row.processed_at, row.attempts) == (None, 1)
    assert "APIError" in row.error
    assert stripe_events.process_due() == 0, "Not before its pause is over"
    till.behave(reset=True)
    StripeEvent.objects.update(due_at=ago(1))
    assert stripe_events.process_due() == 1
    payment.refresh_from_db()
    assert payment.credited == CREDITS


def test_when_stripe_goes_away_after_an_event_was_understood_the_payment_stays_due(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    payment = new_buyer().starts()
    till.pay(str(payment.session_id))
    [event] = [e for e in events_about(till, payment) if e["type"] == "checkout.session.completed"]
    row = arrives(event)
    till.behave(down=True)
    assert is_taken_in(row)
    till.behave(reset=True)
    assert payments.sync_due() == 1
    payment.refresh_from_db()
    assert payment.credited == CREDITS


def test_a_fraud_warning_is_told_to_operators_once(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    payment = buyer.buys()
    till.fraud_warning(intent_of(payment))
    [event] = [e for e in events_about(till, payment) if e["type"] == stripe_events.FRAUD_WARNING]
    for _ in range(2):
        is_taken_in(arrives(event))
    alert = OperatorAlert.objects.get(kind=AlertKind.FRAUD)
    assert payment.public_id in alert.subject
    assert buyer.organization.name in alert.body
    assert buyer.wallet()[0] == CREDITS


def test_a_fraud_warning_stands_on_the_desk_until_its_money_went_back(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    refunded, disputed, long_ago = (new_buyer().buys() for _ in range(3))
    everything = (refunded, disputed, long_ago)
    for payment in everything:
        till.fraud_warning(intent_of(payment))
        [event] = [e for e in events_about(till, payment) if e["type"] == stripe_events.FRAUD_WARNING]
        is_taken_in(arrives(event))
    assert warned_of() == {payment.public_id for payment in everything}
    till.refund(intent_of(refunded), 500)
    assert payments.sync_payment(refunded.pk).credited == 750
    assert warned_of() == {payment.public_id for payment in everything}, "Some of it may still be disputed"
    till.refund(intent_of(refunded))
    till.dispute(intent_of(disputed))
    for payment in (refunded, disputed):
        payments.sync_payment(payment.pk)
    assert warned_of() == {long_ago.public_id}
    Payment.objects.filter(pk=long_ago.pk).update(fraud_warned_at=ago(31 * 86_400))
    assert warned_of() == set()


def warned_of() -> set[str]:
    """The payments of which the desk says that they may be fraud."""
    return {title.split()[0] for title in (notice.title for notice in notices.notices()) if "fraud" in title}


def test_old_events_keep_ids_and_amounts_alone(till: RunningTill, new_buyer: NewBuyer) -> None:
    payment = new_buyer().buys()
    [event] = [e for e in events_about(till, payment) if e["type"] == "checkout.session.completed"]
    row = arrives(event)
    assert row.payload["data"]["object"]["customer_details"]
    assert stripe_events.cut_old() == 0
    StripeEvent.objects.update(received_at=ago(91 * 86_400))
    assert (stripe_events.cut_old(), stripe_events.cut_old()) == (1, 0)
    row.refresh_from_db()
    kept = row.payload["data"]["object"]
    assert kept["amount_total"] == 2000
    assert not set(kept) - stripe_events.KEPT
    assert "studio.example" not in str(row.payload)
    StripeEvent.objects.update(processed_at=None)
    assert is_taken_in(row), "It still says which payment it is about"
    row.refresh_from_db()
    assert row.payment == payment
