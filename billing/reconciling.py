"""Once an hour: whatever Stripe told us and we did not hear, and whatever is not decided yet."""

import datetime
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Q, QuerySet

from accounts.access import Access
from accounts.clock import db_now, read_db_now
from billing import alarms, checkout, payments, stripe_events, stripe_gateway
from billing.models import UNDECIDED, Payment, PaymentStatus, StripeAccount
from billing.rounds import Round
from billing.stripe_gateway import credentials
from billing.stripe_gateway.errors import StripeAway, StripeRefused

logger = logging.getLogger(__name__)

EVERY = datetime.timedelta(hours=1)
MOST_LOOKS = 10  # somebody waits for the page
# Events appear in Stripe's list a little late, and its clock is not ours.
OVERLAP = datetime.timedelta(hours=2)
AT_FIRST = datetime.timedelta(days=3)
LONGEST = datetime.timedelta(days=29)  # Stripe keeps them for 30


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many events had not been heard of, and how many undecided payments were looked at."""

    missed_events: int = 0
    looked_at: int = 0


def due() -> Sequence[StripeAccount]:
    """An hour after the last that came to its end, or was refused so often that operators were told."""
    late = Q(events_until=None) | Q(events_until__lt=db_now() - EVERY)
    few = Q(refusals__lt=stripe_events.REFUSALS_TOLERATED)
    may_ask = few | Q(refused_at__lt=db_now() - EVERY)
    return list(credentials.usable().filter(late, may_ask).order_by("?"))


def reconcile(accounts: Sequence[StripeAccount] | None = None) -> Reconciled:
    """Of these accounts; None: of all. Raises StripeAway or StripeRefused, once all was done that could be; what was
    found until then is kept.
    """
    if accounts is None:
        accounts = list(credentials.usable().order_by("?"))
    sweep = Round()
    missed = 0
    refusal: StripeRefused | None = None
    for account in accounts:
        if sweep.is_over():
            break
        try:
            missed += _fetch_missed(account)
        except (StripeAway, StripeRefused) as error:
            # Else each of its events would be tried in vain.
            sweep.cannot_ask(account.shop_id, error)
            if isinstance(error, StripeRefused):
                refusal = error
                _count_refusal(account, error)
    while stripe_events.process_due(sweep):
        pass
    payments.want_all(accounts)
    looked_at = 0
    while batch := sum(1 for _payment in payments.look_at_due(sweep)):
        looked_at += batch
    trouble = sweep.trouble or refusal
    if trouble is not None:
        raise trouble
    return Reconciled(missed, looked_at)


def _fetch_missed(account: StripeAccount) -> int:
    begun = read_db_now()
    since = begun - AT_FIRST
    if account.events_until is not None:
        since = max(account.events_until - OVERLAP, begun - LONGEST)
    missed = 0
    for body in stripe_gateway.events.events_since(account, since, stripe_events.HANDLED):
        try:
            told = stripe_events.read(body)
        except stripe_events.Malformed:
            logger.error("Stripe lists an event that cannot be read: %s", body.get("id"))
            continue
        missed += stripe_events.store(account, told)
    later = Q(events_until=None) | Q(events_until__lt=begun)
    StripeAccount.objects.filter(later, pk=account.pk).update(events_until=begun)
    StripeAccount.objects.filter(pk=account.pk).update(refusals=0, refused_at=None)
    if missed:
        logger.warning("%d events of Stripe had not arrived; they are processed now", missed)
    return missed


@transaction.atomic
def _count_refusal(account: StripeAccount, error: StripeRefused) -> None:
    """Operators are told once, however long it goes on."""
    stripe_events.hold_shop(account.shop_id)
    mine = StripeAccount.objects.filter(pk=account.pk)
    mine.update(refused_at=db_now())
    few = mine.filter(refusals__lt=stripe_events.REFUSALS_TOLERATED)
    if few.update(refusals=F("refusals") + 1) and not few.exists():
        alarms.events_are_refused(account, error)


# --- "I paid but see no credits" ------------------------------------------------------------------


def look_for(access: Access) -> list[Payment]:
    """The payments of this organization that got their credits by looking: those that were completed at Stripe, and
    those that are undecided here. Raises PaymentsAway when Stripe cannot be asked.
    """
    account = credentials.account_of(access.organization.shop_id)
    ours = Payment.objects.filter(account=account, organization=access.organization)
    with stripe_gateway.line.hastily(), checkout.friendly():
        wanted = {payment.pk: payment.credited for payment in _completed(account, access, ours)}
        for payment in ours.filter(status__in=UNDECIDED).order_by("-pk")[:MOST_LOOKS]:
            wanted.setdefault(payment.pk, payment.credited)
        found = []
        for payment_id, before in list(wanted.items())[:MOST_LOOKS]:
            looked = _looked_at(payment_id)
            if looked is not None and looked.credited > before:
                found.append(looked)
    return found


def _completed(account: StripeAccount, access: Access, ours: QuerySet[Payment]) -> Iterator[Payment]:
    """At Stripe, and not paid here yet; the newest first."""
    customer_id = checkout.customer_id_of(account, access.organization.pk)
    if customer_id is None:
        return
    for session_id, reference in stripe_gateway.events.sessions_of_customer(account, customer_id):
        payment = stripe_events.by_session(ours, session_id, reference)
        if payment is not None and payment.status not in (PaymentStatus.PAID, PaymentStatus.SETTLED):
            yield payment


def _looked_at(payment_id: int) -> Payment | None:
    """One that Stripe does not let us see hides no other; payments.sync_due tells operators of it."""
    try:
        return payments.sync_payment(payment_id)
    except StripeRefused as error:
        logger.error("Payment %d could not be looked up, Stripe refuses: %s", payment_id, error)
        return None
