"""Stripe refuses to tell us something: what can still be done is done, and operators are told once."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from accounts.models import AlertKind, OperatorAlert
from billing import payments, reconciling, stripe_events, tasks
from billing.models import Payment, StripeAccount, StripeEvent
from billing.stripe_gateway.errors import KeyRefused, StripeAway, StripeRefused
from tests.billing.stripe.buying import CREDITS, Buyer, arrives, entries_of
from tests.makers import ago
from tests.till import RunningTill, running_till

pytestmark = pytest.mark.django_db
NewBuyer = Callable[[], Buyer]


@pytest.fixture(scope="module")
def one_till() -> Iterator[RunningTill]:
    """One that has no events but those of this file, and nowhere to send them."""
    with running_till() as till:
        yield till


def subjects() -> list[str]:
    alerts = OperatorAlert.objects.filter(kind=AlertKind.PAYMENT).order_by("pk")
    return list(alerts.values_list("subject", flat=True))


def an_hour_later() -> None:
    StripeAccount.objects.update(refused_at=ago(3601))


# --- Events that are fetched ----------------------------------------------------------------------


def test_without_the_right_to_read_events_payments_are_still_looked_at(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    payment = buyer.starts()
    till.pay(str(payment.session_id))
    till.behave(forbidden="events")
    with pytest.raises(StripeRefused, match="permissions"):
        reconciling.reconcile()
    assert (buyer.wallet()[0], entries_of(payment)) == (CREDITS, 1)
    assert StripeAccount.objects.get().events_until is None


def test_operators_are_told_after_a_few_refusals_and_once(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    buyer.starts()
    till.behave(forbidden="events")
    for told in (0, 0, 1, 1, 1):
        assert reconciling.due()
        tasks.reconcile()
        assert len(subjects()) == told
        assert bool(reconciling.due()) == (told == 0), "Once it was told, not before an hour is over"
        an_hour_later()
    assert subjects() == ["Stripe refuses to list its events"]
    assert "right to read Events" in OperatorAlert.objects.get().body
    till.behave(reset=True)
    tasks.reconcile()
    assert StripeAccount.objects.get().events_until is not None
    till.behave(forbidden="events")
    for _ in range(3):
        StripeAccount.objects.update(events_until=ago(3601))
        tasks.reconcile()
    assert len(subjects()) == 2, "It was well in between"


def test_while_stripe_is_away_it_is_tried_again_soon_and_nobody_is_told(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    new_buyer().starts()
    till.behave(down=True)
    for _ in range(5):
        with pytest.raises(StripeAway):
            reconciling.reconcile()
        assert reconciling.due()
    assert subjects() == []


def test_a_payment_that_stripe_does_not_show_is_told_once_however_often_all_are_looked_at(
    new_buyer: NewBuyer,
) -> None:
    payment = new_buyer().starts()
    Payment.objects.filter(pk=payment.pk).update(session_id="cs_unknown")
    for _ in range(8):
        reconciling.reconcile()
    assert subjects() == [f"Stripe does not let us look at {payment.public_id}"]


def test_a_key_that_is_not_good_is_no_problem_of_each_payment(
    till: RunningTill, new_buyer: NewBuyer, settings: Settings
) -> None:
    started = [new_buyer().starts() for _ in range(2)]
    settings.STRIPE_SECRET_KEY = "sk_test_of_another"
    for _ in range(5):
        asked = len(till.log())
        payments.want_all(StripeAccount.objects.all())
        assert payments.sync_due() == 0
        assert len(till.log()) == asked + 1, "The others would be refused as well"
        assert not payments.try_sync(started[0])
        with pytest.raises(KeyRefused):
            reconciling.reconcile()
    assert subjects() == ["Stripe refuses to list its events"]
    assert not Payment.objects.exclude(problem="").exists()


# --- Events in the inbox --------------------------------------------------------------------------


def some_events(till: RunningTill, buyer: Buyer, count: int) -> list[StripeEvent]:
    """Refunds whose purchases were not heard of, so that Stripe has to be asked what they are about."""
    rows = []
    for _ in range(count):
        session_id = str(buyer.starts().session_id)
        till.pay(session_id)
        intent = str(till.client().v1.checkout.sessions.retrieve(session_id).payment_intent)
        till.refund(intent, 500)
        rows += [
            arrives(event)
            for event in till.events("refund.created")
            if event["data"]["object"]["payment_intent"] == intent
        ]
    return rows


def sweep() -> int:
    StripeEvent.objects.update(due_at=ago(1))
    return stripe_events.process_due()


def test_of_events_that_stripe_does_not_explain_the_first_is_told(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    first, _second = some_events(till, buyer, 2)
    till.behave(down=True)
    for _ in range(4):  # an outage is no refusal
        assert sweep() == 0
    till.behave(reset=True, forbidden="checkout/sessions")
    for told in (0, 0, 1, 1, 1):
        assert sweep() == 0
        assert len(subjects()) == told
    assert subjects() == [f"Stripe refuses to say what {first.event_id} is about"]
    till.behave(reset=True)
    assert sweep() == 2
    assert buyer.wallet()[0] == 2 * CREDITS * 3 // 4


def test_events_of_the_other_mode_wait_until_its_key_is_back(
    till: RunningTill, new_buyer: NewBuyer, settings: Settings
) -> None:
    buyer = new_buyer()
    [event] = some_events(till, buyer, 1)
    settings.STRIPE_LIVEMODE = True
    assert sweep() == 0
    event.refresh_from_db()
    assert (event.processed_at, event.attempts) == (None, 0)
    settings.STRIPE_LIVEMODE = False
    assert sweep() == 1
    assert buyer.wallet()[0] == CREDITS * 3 // 4
