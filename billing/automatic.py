"""Automatic top-up: buys the chosen pack with the saved card before credits run out.

The rows say everything: which purchase is under way (one at a time, by a constraint), how many in a row have
failed, what was spent this month. Any number of sweeps may run at once.
"""

import datetime
import logging
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, Sum
from django.utils.translation import gettext as _

from accounts.access import Access
from accounts.clock import db_now, read_db_now
from accounts.models import Organization
from billing import checkout, payments, stripe_gateway
from billing.currencies import shown
from billing.models import (
    UNDECIDED,
    AutoTopUp,
    CreditPack,
    Payment,
    PaymentKind,
    PaymentStatus,
    StoppedReason,
)
from billing.news import tell_money_people
from billing.payments import LOOK_AGAIN
from billing.stripe_gateway.errors import CardDeclined, StripeAway, StripeRefused

logger = logging.getLogger(__name__)

# After the first and the second failure in a row; the third switches it off.
PAUSES = (datetime.timedelta(hours=1), datetime.timedelta(hours=24))
ASK_AGAIN_FOR = datetime.timedelta(hours=1)  # a charge whose answer was lost; later it is only looked for
AT_ONCE = 50


def switch_on(
    access: Access, *, threshold: int, pack: CreditPack, cap_minor: int | None, is_on: bool = True
) -> AutoTopUp:
    """Forgets earlier failures. `is_on` False keeps the wishes until there is a saved card."""
    rule, _created = AutoTopUp.objects.update_or_create(
        organization=access.organization,
        defaults={
            "is_on": is_on,
            "waits_for_card": not is_on,
            "threshold": threshold,
            "pack": pack,
            "cap_minor": cap_minor,
            "actor": access.actor,
            "armed_at": db_now(),
            "stopped_reason": "",
            "told_month": None,
        },
    )
    return rule


def waits_for_card(organization_id: int) -> bool:
    return AutoTopUp.objects.filter(organization_id=organization_id, waits_for_card=True).exists()


def switch_on_with_card(organization_id: int) -> bool:
    """What was wished before a card was saved is in force now."""
    waiting = AutoTopUp.objects.filter(organization_id=organization_id, waits_for_card=True)
    return bool(waiting.update(is_on=True, waits_for_card=False, armed_at=db_now()))


def switch_off(organization_id: int) -> bool:
    rules = AutoTopUp.objects.filter(Q(is_on=True) | Q(waits_for_card=True), organization_id=organization_id)
    return bool(rules.update(is_on=False, waits_for_card=False))


def card_of(organization: Organization) -> "stripe_gateway.charging.Card | None":
    """The card that would be charged. Raises StripeAway or StripeRefused."""
    customer_id = checkout.customer_id_of(checkout.account_of(organization.shop_id), organization.pk)
    return stripe_gateway.charging.saved_card(customer_id) if customer_id else None


def spent_this_month(organization_id: int) -> int:
    """What automatic top-ups have charged or may still charge in this calendar month (UTC), in the smallest unit."""
    month = read_db_now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    counted = Q(status=PaymentStatus.PAID) | Q(status__in=UNDECIDED)
    found = Payment.objects.filter(
        counted, organization_id=organization_id, kind=PaymentKind.AUTOMATIC, created_at__gte=month
    )
    return found.aggregate(sum=Sum("amount_minor"))["sum"] or 0


# --- The sweep ----------------------------------------------------------------------------------


def top_up_all() -> int:
    """How many organizations were looked at."""
    if not settings.STRIPE_SECRET_KEY:
        return 0
    low = AutoTopUp.objects.filter(
        is_on=True,
        organization__suspended_at=None,
        organization__wallet__available__lt=F("threshold"),
    ).select_related("organization__shop", "pack")
    done = 0
    for rule in low.order_by("pk")[:AT_ONCE]:
        try:
            _look(rule)
            done += 1
        except (StripeAway, StripeRefused) as error:
            logger.warning("The automatic top-up of %s has to wait: %s", rule.organization.slug, error)
    return done


def _look(rule: AutoTopUp) -> None:
    ours = Payment.objects.filter(organization_id=rule.organization_id, kind=PaymentKind.AUTOMATIC)
    under_way = ours.filter(status__in=UNDECIDED).first()
    if under_way is None:
        if _has_to_wait(rule):
            return
        under_way = _order(rule)
        if under_way is None:
            return
    if under_way.payment_intent_id is None:
        _charge(rule, under_way)
    _has_to_wait(rule)


def _has_to_wait(rule: AutoTopUp) -> bool:
    """After failures; the first look at one tells people of it, the look at the third switches it off."""
    automatic = Payment.objects.filter(
        organization_id=rule.organization_id, kind=PaymentKind.AUTOMATIC, created_at__gte=rule.armed_at
    )
    last_paid = (
        automatic.filter(status=PaymentStatus.PAID).order_by("-pk").values_list("pk", flat=True).first()
    )
    failed = automatic.filter(status__in=(PaymentStatus.FAILED, PaymentStatus.EXPIRED), pk__gt=last_paid or 0)
    in_a_row = list(failed.order_by("-pk")[: len(PAUSES) + 1])
    if not in_a_row:
        return False
    is_over = len(in_a_row) > len(PAUSES)
    _tell_of_failure(rule, in_a_row[0], is_over)
    return is_over or read_db_now() < in_a_row[0].created_at + PAUSES[len(in_a_row) - 1]


@transaction.atomic
def _tell_of_failure(rule: AutoTopUp, payment: Payment, is_over: bool) -> None:
    untold = Q(told_payment=None) | Q(told_payment__lt=payment.pk)
    changes: dict[str, Any] = {"told_payment": payment.pk}
    if is_over:
        changes |= {"is_on": False, "stopped_reason": StoppedReason.DECLINED}
    if AutoTopUp.objects.filter(untold, pk=rule.pk).update(**changes):
        context = {
            "needs_you": payment.failure == "authentication_required",
            "is_over": is_over,
            "price": payment.price,
        }
        tell_money_people(rule.organization, "automatic_failed", context)


def _stop(rule: AutoTopUp, reason: StoppedReason) -> None:
    with transaction.atomic():
        if AutoTopUp.objects.filter(pk=rule.pk, is_on=True).update(is_on=False, stopped_reason=reason):
            tell_money_people(rule.organization, "automatic_stopped", {"reason": reason.label})


def _order(rule: AutoTopUp) -> Payment | None:
    """The row of a new purchase. None: over the cap, without a pack, or somebody else was faster."""
    pack = rule.pack
    if pack is None or not pack.is_active:
        _stop(rule, StoppedReason.NO_PACK)
        return None
    organization = rule.organization
    try:
        with transaction.atomic():
            # So that of two sweeps one counts what the other has just ordered.
            locked = AutoTopUp.objects.select_for_update().get(pk=rule.pk)
            spent = spent_this_month(organization.pk)
            if not locked.is_on:
                return None
            if locked.cap_minor is not None and spent + pack.price_minor > locked.cap_minor:
                _tell_of_cap(locked, spent, pack)
                return None
            return Payment.objects.create(
                shop_id=organization.shop_id,
                account=checkout.account_of(organization.shop_id),
                organization=organization,
                pack=pack,
                kind=PaymentKind.AUTOMATIC,
                livemode=settings.STRIPE_LIVEMODE,
                actor=rule.actor,
                credits=pack.total_credits,
                amount_minor=pack.price_minor,
                currency=pack.currency,
                sync_due_at=db_now() + LOOK_AGAIN,
            )
    except IntegrityError:
        return None


def _tell_of_cap(rule: AutoTopUp, spent: int, pack: CreditPack) -> None:
    month = read_db_now().date().replace(day=1)
    untold = ~Q(told_month=month) | Q(told_month=None)
    if AutoTopUp.objects.filter(untold, pk=rule.pk).update(told_month=month):
        context = {"cap": shown(rule.cap_minor or 0, pack.currency), "spent": shown(spent, pack.currency)}
        tell_money_people(rule.organization, "automatic_capped", context)


# --- One charge ---------------------------------------------------------------------------------


def _charge(rule: AutoTopUp, payment: Payment) -> None:
    """Raises StripeAway: whether the card was charged is not known, the next sweep asks again under the same key."""
    customer_id = checkout.customer_id_of(payment.account, payment.organization_id)
    if read_db_now() - payment.created_at > ASK_AGAIN_FOR:
        _look_for(payment, customer_id)
        return
    if not payment.payment_method_id:
        card = stripe_gateway.charging.saved_card(customer_id) if customer_id else None
        if card is None:
            _fail(payment, "no_card", None)
            _stop(rule, StoppedReason.NO_CARD)
            return
        # The same card at every try: under one key Stripe takes no other request.
        Payment.objects.filter(pk=payment.pk, payment_method_id="").update(payment_method_id=card.id)
        payment.refresh_from_db()
    title = _("%(shop)s: automatic top-up") % {"shop": payment.shop.name}
    try:
        facts = stripe_gateway.charging.charge_off_session(
            payment, customer_id=customer_id or "", card_id=payment.payment_method_id, title=title
        )
    except CardDeclined as error:
        _fail(payment, error.code, error.intent_id)
        if error.intent_id:
            stripe_gateway.charging.cancel_intent(error.intent_id)
        return
    _know_intent(payment, facts.payment_intent_id)
    payments.sync_payment(payment.pk)


def _look_for(payment: Payment, customer_id: str | None) -> None:
    found = stripe_gateway.charging.find_intent(payment, customer_id) if customer_id else None
    if found is None:
        _fail(payment, "never_begun", None)
        return
    _know_intent(payment, found)
    payments.sync_payment(payment.pk)


def _know_intent(payment: Payment, intent_id: str | None) -> None:
    Payment.objects.filter(pk=payment.pk, payment_intent_id=None).update(payment_intent_id=intent_id)


def _fail(payment: Payment, failure: str, intent_id: str | None) -> None:
    Payment.objects.filter(pk=payment.pk, status__in=UNDECIDED).update(
        status=PaymentStatus.FAILED,
        failure=failure[:60],
        payment_intent_id=intent_id or None,
        sync_due_at=None,
    )
