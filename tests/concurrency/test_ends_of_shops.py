"""A shop ends while Stripe tells something of it: both hold the shop first, so nobody waits in a circle."""

import threading
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from accounts import hooks, shop_closing
from accounts.models import OperatorAlert, Organization
from billing import shops, stripe_events
from billing.models import StripeEvent
from billing.stripe_gateway.errors import StripeRefused
from tests.concurrency.outcomes import tally
from tests.makers import a_payment, ago, an_organization
from tests.several import a_shop
from tests.threads import together
from tests.waiting import wait_until


def warned(event: StripeEvent) -> None:
    stripe_events.process(event)


def refused(event: StripeEvent) -> None:
    stripe_events._count_refusal(event, StripeRefused("no"))


def an_event() -> StripeEvent:
    """Of a shop of which nothing is left but its end."""
    shop = a_shop(closing_at=ago(2)).shop
    payment = a_payment(an_organization(shop=shop), payment_intent_id="pi_1", status="paid")
    Organization.objects.filter(shop=shop).update(closing_at=ago(2), closed_at=ago(1))
    thing = {"object": "radar.early_fraud_warning", "payment_intent": "pi_1"}
    row = StripeEvent.objects.create(
        shop=shop,
        account=payment.account,
        event_id="evt_1",
        type=stripe_events.FRAUD_WARNING,
        livemode=False,
        created=ago(3),
        payload={"data": {"object": thing}},
        refusals=stripe_events.REFUSALS_TOLERATED - 1,
    )
    return StripeEvent.objects.select_related("shop", "account").get(pk=row.pk)


def somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])


if connection.vendor == "postgresql":  # SQLite has one lock, and nobody can wait in a circle for one

    @pytest.mark.usefixtures("race_db")
    @pytest.mark.parametrize("is_guarded", [True, False], ids=["guarded", "control"])
    @pytest.mark.parametrize("tell", [warned, refused])
    def test_what_stripe_tells_meanwhile_stands_behind_the_end(
        tell: Callable[[StripeEvent], None],
        is_guarded: bool,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        settings.STRIPE_SECRET_KEY, settings.TILL = "", False
        event = an_event()
        is_held = threading.Event()

        def end_once_somebody_waits(shop: object) -> None:
            is_held.set()
            wait_until(somebody_waits_for_us, "somebody to stand behind us")
            shops.end(event.shop)

        monkeypatch.setattr(hooks, "shop_closed", [end_once_somebody_waits])
        if not is_guarded:
            monkeypatch.setattr(stripe_events, "hold_shop", lambda _shop_id: None)
        connection.close()

        def work(index: int) -> str:
            try:
                if index == 0:
                    assert shop_closing.finish(event.shop)
                else:
                    assert is_held.wait(30)
                    tell(event)
            except OperationalError as error:
                return "deadlock" if "deadlock detected" in str(error) else str(error)
            return "done"

        outcomes = tally(together(2, work))
        assert outcomes == ({"done": 2} if is_guarded else {"done": 1, "deadlock": 1})
        if is_guarded:
            event.refresh_from_db()
            assert event.error == "The shop is closed."
            assert not OperatorAlert.objects.exists()
