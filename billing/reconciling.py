"""Once an hour: whatever Stripe told us and we did not hear, and whatever is not decided yet."""

import datetime
import logging
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q

from accounts.access import Access
from accounts.clock import read_db_now
from billing import checkout, payments, stripe_events, stripe_gateway
from billing.models import UNDECIDED, Payment, StripeAccount

logger = logging.getLogger(__name__)

# Events appear in Stripe's list a little late, and its clock is not ours.
OVERLAP = datetime.timedelta(hours=2)
AT_FIRST = datetime.timedelta(days=3)
LONGEST = datetime.timedelta(days=29)  # Stripe keeps them for 30


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many events had not been heard of, and how many undecided payments were looked at."""

    missed_events: int = 0
    looked_at: int = 0


def reconcile() -> Reconciled:
    """Raises StripeAway or StripeRefused; what was found until then is kept."""
    missed = sum(_fetch_missed(account) for account in _accounts())
    while stripe_events.process_due():
        pass
    return Reconciled(missed, payments.sync_undecided())


def _accounts() -> list[StripeAccount]:
    if not settings.STRIPE_SECRET_KEY:
        return []
    return list(StripeAccount.objects.filter(livemode=settings.STRIPE_LIVEMODE))


def _fetch_missed(account: StripeAccount) -> int:
    begun = read_db_now()
    since = begun - AT_FIRST
    if account.events_until is not None:
        since = max(account.events_until - OVERLAP, begun - LONGEST)
    missed = 0
    for body in stripe_gateway.events.events_since(since, stripe_events.HANDLED):
        try:
            told = stripe_events.read(body)
        except stripe_events.Malformed:
            logger.error("Stripe lists an event that cannot be read: %s", body.get("id"))
            continue
        missed += stripe_events.store(account, told)
    later = Q(events_until=None) | Q(events_until__lt=begun)
    StripeAccount.objects.filter(later, pk=account.pk).update(events_until=begun)
    if missed:
        logger.warning("%d events of Stripe had not arrived; they are processed now", missed)
    return missed


def look_for(access: Access) -> list[Payment]:
    """ "I paid but see no credits": the payments of this organization that were decided by looking.

    Raises PaymentsAway when Stripe cannot be asked.
    """
    organization_id = access.organization.pk
    account = checkout.account_of(access.organization.shop_id)
    ours = Payment.objects.filter(account=account, organization_id=organization_id)
    undecided = list(ours.filter(status__in=UNDECIDED).order_by("-pk")[:20])
    with stripe_gateway.line.hastily(), checkout.friendly():
        customer_id = checkout.customer_id_of(account, organization_id)
        if customer_id:
            for session_id, reference in stripe_gateway.events.sessions_of_customer(customer_id):
                stripe_events.by_session(ours, session_id, reference)
        looked = [payments.sync_payment(payment.pk) for payment in undecided]
    before = {payment.pk: payment.credited for payment in undecided}
    return [payment for payment in looked if payment.credited > before.get(payment.pk, payment.credited)]
