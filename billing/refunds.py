"""Giving money back: our row first, then Stripe, then the books by `sync_payment`."""

import datetime
import logging

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.audit import record
from accounts.clock import db_now, read_db_now
from accounts.models import AuditAction, Shop
from accounts.origin import NOWHERE, Origin
from accounts.retries import claim
from billing import alarms, payments, stripe_gateway
from billing.currencies import shown
from billing.models import Payment, PaymentStatus, Refund
from billing.rounds import Round
from billing.stripe_gateway import credentials
from billing.stripe_gateway.errors import KeyRefused, StripeAway, StripeRefused

logger = logging.getLogger(__name__)

AT_ONCE = 20
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30, 3600
# Stripe forgets idempotency keys after a day; from then on it is asked first whether it was done.
KEYS_LAST = datetime.timedelta(hours=20)


class Unseen(Exception):
    """Stripe refuses to say whether a refund was made whose answer was lost: it is neither refused nor asked again."""


class Stale(ValidationError):
    """Money was given back since the form was shown; or the form was sent twice."""


def refund(
    payment_id: int,
    amount_minor: int,
    *,
    actor: str,
    reason: str = "",
    number: int | None = None,
    origin: Origin = NOWHERE,
) -> Refund:
    """Done, refused (`refusal` says why), or on its way when Stripe is away. Raises ValidationError.

    `number`: that it is to be this payment's first, second, … refund; Stale when it would not be.
    """
    row = order(payment_id, amount_minor, actor=actor, reason=reason, number=number, origin=origin)
    carry_out(row)
    row.refresh_from_db()
    return row


def next_number(payment: Payment) -> int:
    """Of the refund that would come next, from 1."""
    return payment.refunds.count() + 1


def left_minor(payment: Payment) -> int:
    """What can still be given back; what is on its way counts as given."""
    on_its_way = payment.refunds.filter(due_at__isnull=False).aggregate(sum=Sum("amount_minor"))["sum"] or 0
    return max(0, payment.refundable_minor - on_its_way)


@transaction.atomic
def order(
    payment_id: int,
    amount_minor: int,
    *,
    actor: str,
    reason: str = "",
    number: int | None = None,
    origin: Origin = NOWHERE,
) -> Refund:
    """Promises it, for the caller to carry out at once; else a sweep does. Raises ValidationError."""
    # A shop that closes, or loses its key, waits for what was promised before. Locks: shop, payment.
    shops = Shop.objects.select_for_update(no_key=True)
    if shops.get(pk=Payment.objects.values("shop").get(pk=payment_id)["shop"]).closed_at is not None:
        raise ValidationError(_("This shop is closed, and its key is forgotten: give it back at Stripe."))
    # Two operators at once must not promise more than was paid.
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    if number not in (None, next_number(payment)):
        raise Stale(_("Money was given back meanwhile. Look at what is left, then decide again."))
    if payment.status != PaymentStatus.PAID or not payment.payment_intent_id:
        raise ValidationError(_("Nothing was paid for this that could be given back."))
    left = left_minor(payment)
    if not 1 <= amount_minor <= left:
        raise ValidationError(
            _("At most %(left)s can be given back.") % {"left": shown(left, payment.currency)}
        )
    row = Refund.objects.create(
        payment=payment,
        amount_minor=amount_minor,
        actor=actor,
        reason=reason.strip()[:500],
        due_at=db_now() + datetime.timedelta(seconds=FIRST_PAUSE_S),
        tries=1,
    )
    record(
        payment.organization,
        AuditAction.REFUNDED,
        actor=actor,
        origin=origin,
        subject=payment.public_id,
        note=reason.strip(),
        refund=row.pk,
        amount_minor=amount_minor,
        currency=payment.currency,
    )
    return row


def carry_out(row: Refund, *, is_awaited: bool = True, sweep: Round | None = None) -> bool:
    """False when Stripe cannot be asked: it stays due, and `sweep` hears of it. `is_awaited`: somebody sees at once
    what becomes of it.
    """
    try:
        refund_id = row.refund_id or _known(row) or stripe_gateway.charging.refund(row)
    except (StripeAway, KeyRefused, Unseen) as error:
        logger.warning("%s is on its way, Stripe cannot be asked: %s", row.key, error)
        if sweep is not None:
            sweep.cannot_ask(row.payment.shop_id, error)
        return False
    except StripeRefused as error:
        logger.error("%s was refused: %s", row.key, error)
        with transaction.atomic():
            # Perhaps it was given back elsewhere.
            payments.want_sync(row.payment_id)
            row.refusal = str(error)[:300]
            is_news = Refund.objects.filter(pk=row.pk, refusal="").update(refusal=row.refusal, due_at=None)
            if is_news and not is_awaited:
                alarms.refund_failed(row)
        return True
    with transaction.atomic():
        # Until the payment was looked at, the amount counts as on its way.
        payments.want_sync(row.payment_id)
        Refund.objects.filter(pk=row.pk).update(refund_id=refund_id)
    if payments.try_sync(row.payment, sweep):
        Refund.objects.filter(pk=row.pk).update(due_at=None)
    return True


def end_by_hand(row: Refund, *, actor: str, reason: str, origin: Origin = NOWHERE) -> bool:
    """Asks Stripe once more, and then never again: the money is owed to the customer, who gets it in another way. False
    when Stripe has answered after all. Not in a transaction. Raises ValidationError while Stripe may yet do it.
    """
    row.refresh_from_db()
    if row.due_at is None:
        raise ValidationError(_("It has ended meanwhile. Look at what became of it."))
    tries = row.tries
    if credentials.of_account(row.payment.account) is not None:
        sweep = Round()
        carry_out(row, sweep=sweep)
        if Refund.objects.filter(pk=row.pk, due_at=None).exists():
            return False
        row.refresh_from_db()
        if isinstance(sweep.trouble, StripeAway):
            raise ValidationError(
                _("Stripe does not answer at the moment; it is asked again by itself. Try this again later.")
            )
    with transaction.atomic(), override(settings.LANGUAGE_CODE):
        # By the count of tries: a sweep may have taken it up at this moment, with another key.
        mine = Refund.objects.filter(pk=row.pk, due_at__isnull=False, tries=tries)
        # What Stripe has taken on is on its way, and only was not seen to arrive.
        owed = "" if row.refund_id else _("Owed: Stripe cannot be asked for it any more.")
        if not mine.update(due_at=None, refusal=owed):
            raise ValidationError(_("Stripe is being asked at this moment. Try this again."))
        record(
            row.payment.organization,
            AuditAction.PAYMENT_SETTLED,
            actor=actor,
            origin=origin,
            subject=row.payment.public_id,
            note=reason.strip(),
            refund=row.pk,
            owed_minor=0 if row.refund_id else row.amount_minor,
            currency=row.payment.currency,
        )
    return True


def _known(row: Refund) -> str | None:
    """Its id, if Stripe has made it. Raises Unseen."""
    if read_db_now() - row.created_at <= KEYS_LAST:
        return None
    try:
        return stripe_gateway.charging.find_refund(row)
    except KeyRefused:
        raise
    except StripeRefused as error:
        raise Unseen(str(error)) from error


def unanswered() -> QuerySet[Refund]:
    """What Stripe has not answered for in all the time in which it knows our keys: somebody has to see to it."""
    old = Refund.objects.filter(due_at__isnull=False, refund_id=None, created_at__lt=db_now() - KEYS_LAST)
    return old.exclude(credentials.of_trials("payment__account"))


def carry_out_due() -> int:
    """How many Stripe has answered for. Any number of sweeps at once take different ones."""
    sweep = Round()
    due_now = Refund.objects.filter(
        due_at__lte=db_now(), payment__account__in=credentials.usable().values("pk")
    ).select_related("payment__account")
    found = sweep.rows(due_now.order_by("due_at"), AT_ONCE, "payment__shop")
    return sum(carry_out(row, is_awaited=False, sweep=sweep) for row in found if _claim(row))


def _claim(row: Refund) -> bool:
    return claim(Refund.objects.all(), row, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S)
