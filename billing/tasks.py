"""Celery's doorbells of money. They take nothing and only call domain code; the rows are the queue of record."""

import logging

from celery import shared_task

from accounts.ticks import each_for_itself, one_at_a_time
from billing import automatic, low_balance, payments, reconciling, refunds, stripe_events, welcome
from billing.stripe_gateway.errors import StripeAway, StripeRefused

logger = logging.getLogger(__name__)


@shared_task(name="billing.tasks.settle")
@one_at_a_time
def settle() -> None:
    """What Stripe told us, payments to look at, and refunds that are on their way."""
    each_for_itself(stripe_events.process_due, payments.sync_due, refunds.carry_out_due)


@shared_task(name="billing.tasks.top_up_automatically")
@one_at_a_time
def top_up_automatically() -> None:
    automatic.top_up_all()


@shared_task(name="billing.tasks.reconcile")
@one_at_a_time
def reconcile() -> None:
    due = reconciling.due()
    if due:
        try:
            reconciling.reconcile(due)
        except (StripeAway, StripeRefused) as error:
            logger.error("Stripe could not be asked for missed events: %s", error)
    stripe_events.cut_old()


@shared_task(name="billing.tasks.erase_networks")
def erase_networks() -> None:
    welcome.erase_networks()


@shared_task(name="billing.tasks.watch_balances")
def watch_balances() -> None:
    low_balance.look()
