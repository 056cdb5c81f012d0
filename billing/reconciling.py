"""Once an hour: whatever Stripe told us and we did not hear, and whatever is not decided yet."""

import datetime
import logging
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.access import Access
from accounts.clock import db_now, read_db_now
from billing import checkout, payments, stripe_events, stripe_gateway
from billing.models import UNDECIDED, Payment, PaymentStatus, StripeAccount
from billing.stripe_gateway.errors import StripeRefused

logger = logging.getLogger(__name__)

EVERY = datetime.timedelta(hours=1)
AT_ONCE = 20
# Events appear in Stripe's list a little late, and its clock is not ours.
OVERLAP = datetime.timedelta(hours=2)
AT_FIRST = datetime.timedelta(days=3)
LONGEST = datetime.timedelta(days=29)  # Stripe keeps them for 30


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many events had not been heard of, and how many undecided payments were looked at."""

    missed_events: int = 0
    looked_at: int = 0


def is_due() -> bool:
    """An hour after the last that came to its end, whenever this process was started."""
    late = Q(events_until=None) | Q(events_until__lt=db_now() - EVERY)
    return bool(settings.STRIPE_SECRET_KEY) and _accounts().filter(late).exists()


def reconcile() -> Reconciled:
    """Raises StripeAway or StripeRefused; what was found until then is kept."""
    if not settings.STRIPE_SECRET_KEY:
        return Reconciled()
    missed = sum(_fetch_missed(account) for account in _accounts())
    while stripe_events.process_due():
        pass
    return Reconciled(missed, _look_at_undecided())


def _accounts() -> QuerySet[StripeAccount]:
    return StripeAccount.objects.filter(livemode=settings.STRIPE_LIVEMODE)


def _look_at_undecided() -> int:
    open_ones = Q(status__in=UNDECIDED) | Q(sync_due_at__lte=db_now())
    found = Payment.objects.filter(open_ones, livemode=settings.STRIPE_LIVEMODE).order_by("pk")
    payment_ids = list(found.values_list("pk", flat=True))
    return sum(_looked_at(payment_id) is not None for payment_id in payment_ids)


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
    """ "I paid but see no credits": the payments of this organization that got their credits by looking.

    Raises PaymentsAway when Stripe cannot be asked.
    """
    organization_id = access.organization.pk
    account = checkout.account_of(access.organization.shop_id)
    ours = Payment.objects.filter(account=account, organization_id=organization_id)
    credited = dict(ours.filter(status__in=UNDECIDED).order_by("-pk").values_list("pk", "credited")[:AT_ONCE])
    found = []
    with stripe_gateway.line.hastily(), checkout.friendly():
        customer_id = checkout.customer_id_of(account, organization_id)
        if customer_id:
            for session_id, reference in stripe_gateway.events.sessions_of_customer(customer_id):
                payment = stripe_events.by_session(ours, session_id, reference)
                if payment is not None and payment.status != PaymentStatus.PAID:
                    credited[payment.pk] = payment.credited
        for payment_id, before in credited.items():
            payment = _looked_at(payment_id)
            if payment is not None and payment.credited > before:
                found.append(payment)
    return found


def _looked_at(payment_id: int) -> Payment | None:
    """One that Stripe does not let us see hides no other; payments.sync_due tells operators of it."""
    try:
        return payments.sync_payment(payment_id)
    except StripeRefused as error:
        logger.error("Payment %d could not be looked up, Stripe refuses: %s", payment_id, error)
        return None
