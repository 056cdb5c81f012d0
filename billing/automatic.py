"""Automatic top-up: buys the chosen pack with the saved card before credits run out.

The rows say everything: which purchase is under way (one at a time, by a constraint), how many in a row have
failed, what was spent this month, when to look again. Any number of sweeps may run at once.
"""

import datetime
import logging
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from accounts.access import Access
from accounts.clock import db_now, read_db_now
from accounts.models import Organization
from accounts.retries import claim
from billing import checkout, payments, reads, stripe_gateway
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
from billing.stripe_gateway.errors import CardDeclined, StripeAway, StripeRefused

logger = logging.getLogger(__name__)

# After the first and the second failure in a row; the third switches it off.
PAUSES = (datetime.timedelta(hours=1), datetime.timedelta(hours=24))
# A charge whose answer was lost is asked for again under its key; later it is only looked for, and given up once
# no request for it can be on its way any more.
ASK_AGAIN_FOR = datetime.timedelta(hours=1)
GIVE_UP_AFTER = ASK_AGAIN_FOR + datetime.timedelta(minutes=5)
AT_ONCE = 50
FIRST_PAUSE_S, LONGEST_PAUSE_S = 60, 600  # longer than a look takes


class _NotNow(Exception):
    """Somebody else was faster: it is not needed, or not allowed, any more."""


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
            "due_at": db_now(),
            "tries": 0,
        },
    )
    return rule


def waits_for_card(organization_id: int) -> bool:
    return AutoTopUp.objects.filter(organization_id=organization_id, waits_for_card=True).exists()


def switch_on_with_card(organization_id: int) -> bool:
    """What was wished before a card was saved is in force now."""
    waiting = AutoTopUp.objects.filter(organization_id=organization_id, waits_for_card=True)
    return bool(waiting.update(is_on=True, waits_for_card=False, armed_at=db_now(), due_at=db_now()))


def switch_off(organization_id: int) -> bool:
    """Nothing more is bought. What was charged already is still credited."""
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
    found = _automatic(organization_id).filter(counted, created_at__gte=month)
    return found.aggregate(sum=Sum("amount_minor"))["sum"] or 0


# --- The sweep ----------------------------------------------------------------------------------


def top_up_all() -> int:
    """How many organizations were looked at. Any number of sweeps at once take different ones."""
    if not settings.STRIPE_SECRET_KEY:
        return 0
    done = 0
    for rule in _due().order_by("due_at")[:AT_ONCE]:
        if not _claim(rule):
            continue
        try:
            look(rule.pk)
        except StripeAway as error:
            logger.warning("Automatic top-ups have to wait, Stripe is away: %s", error)
            break
        except StripeRefused as error:
            logger.error("The automatic top-up of %s was refused: %s", rule.organization.slug, error)
            continue
        done += 1
    return done


def _due() -> QuerySet[AutoTopUp]:
    """Low on credits, or with a charge of which we do not know what became."""
    unanswered = Payment.objects.filter(
        organization=OuterRef("organization"),
        kind=PaymentKind.AUTOMATIC,
        status__in=UNDECIDED,
        payment_intent_id=None,
    )
    is_low = Q(
        is_on=True,
        organization__suspended_at=None,
        organization__wallet__available__lt=F("threshold"),
    )
    found = AutoTopUp.objects.filter(is_low | Q(Exists(unanswered)), due_at__lte=db_now())
    return found.select_related("organization")


def _claim(rule: AutoTopUp) -> bool:
    return claim(AutoTopUp.objects.all(), rule, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S)


def look(rule_id: int) -> None:
    """Whatever there is to do for one organization. Raises StripeAway, StripeRefused: it is due again later."""
    rule = AutoTopUp.objects.select_related("organization__shop", "pack").get(pk=rule_id)
    under_way = _automatic(rule.organization_id).filter(status__in=UNDECIDED).first()
    if under_way is None and not has_to_wait(rule):
        under_way = _buy(rule)
    if under_way is None:
        _come_back(rule, FIRST_PAUSE_S)
    elif under_way.payment_intent_id is not None:
        _come_back(rule, FIRST_PAUSE_S)  # payments.sync_due looks at it
    elif _may_charge(rule, under_way):
        _charge(rule, under_way)
        _come_back(rule, FIRST_PAUSE_S if has_to_wait(rule) else 0)
    elif _find(under_way):
        _come_back(rule, 0)


def _come_back(rule: AutoTopUp, after_s: int) -> None:
    later = db_now() + datetime.timedelta(seconds=after_s)
    AutoTopUp.objects.filter(pk=rule.pk).update(due_at=later, tries=0)


def has_to_wait(rule: AutoTopUp) -> bool:
    """After failures; the first look at one tells people of it, the look at the third switches it off."""
    automatic = _automatic(rule.organization_id).filter(created_at__gte=rule.armed_at)
    paid = automatic.filter(status=PaymentStatus.PAID).order_by("-pk")
    last_paid = paid.values_list("pk", flat=True).first() or 0
    failed = automatic.filter(status=PaymentStatus.FAILED, pk__gt=last_paid)
    in_a_row = list(failed.order_by("-pk")[: len(PAUSES) + 1])
    if not in_a_row:
        return False
    is_over = len(in_a_row) > len(PAUSES)
    _tell_of_failure(rule, in_a_row[0], is_over)
    return is_over or read_db_now() < in_a_row[0].created_at + PAUSES[len(in_a_row) - 1]


def _automatic(organization_id: int) -> QuerySet[Payment]:
    return Payment.objects.filter(organization_id=organization_id, kind=PaymentKind.AUTOMATIC)


# --- What people are told -----------------------------------------------------------------------


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


@transaction.atomic
def _stop(rule: AutoTopUp, reason: StoppedReason) -> None:
    if AutoTopUp.objects.filter(pk=rule.pk, is_on=True).update(is_on=False, stopped_reason=reason):
        tell_money_people(rule.organization, "automatic_stopped", {"reason": reason.label})


@transaction.atomic
def _tell_of_cap(rule: AutoTopUp, spent: int, pack: CreditPack) -> None:
    month = read_db_now().date().replace(day=1)
    untold = ~Q(told_month=month) | Q(told_month=None)
    if AutoTopUp.objects.filter(untold, pk=rule.pk).update(told_month=month):
        context = {"cap": shown(rule.cap_minor or 0, pack.currency), "spent": shown(spent, pack.currency)}
        tell_money_people(rule.organization, "automatic_capped", context)


# --- One purchase -------------------------------------------------------------------------------


def _buy(rule: AutoTopUp) -> Payment | None:
    """The row of a new purchase. None: there is nothing to buy, or to pay with, or no need."""
    pack, organization = rule.pack, rule.organization
    if not rule.is_on or organization.suspended_at is not None or not _is_low(rule):
        return None
    if pack is None or not pack.is_active or pack.currency != organization.shop.currency:
        _stop(rule, StoppedReason.NO_PACK)
        return None
    spent = spent_this_month(organization.pk)
    if rule.cap_minor is not None and spent + pack.price_minor > rule.cap_minor:
        _tell_of_cap(rule, spent, pack)
        return None
    card = card_of(organization)
    if card is None:
        _stop(rule, StoppedReason.NO_CARD)
        return None
    try:
        return order(rule, pack, card.id)
    except (IntegrityError, _NotNow):
        return None


@transaction.atomic
def order(rule: AutoTopUp, pack: CreditPack, card_id: str) -> Payment:
    """Raises IntegrityError or _NotNow."""
    locked = AutoTopUp.objects.select_for_update().get(pk=rule.pk)
    if not locked.is_on or locked.pack_id != pack.pk:
        raise _NotNow
    organization = rule.organization
    # The same card at every try: under one key Stripe takes no other request.
    payment = checkout.agree(
        organization, pack, PaymentKind.AUTOMATIC, actor=rule.actor, payment_method_id=card_id
    )
    # Not before: whatever was under way has ended now, and what it brought and cost can be seen.
    is_over_cap = locked.cap_minor is not None and spent_this_month(organization.pk) > locked.cap_minor
    if is_over_cap or not _is_low(locked):
        raise _NotNow
    return payment


def _is_low(rule: AutoTopUp) -> bool:
    return reads.balance(rule.organization_id).available < rule.threshold


def _may_charge(rule: AutoTopUp, payment: Payment) -> bool:
    is_wished = rule.is_on and rule.organization.suspended_at is None and _is_low(rule)
    return is_wished and read_db_now() - payment.created_at < ASK_AGAIN_FOR


def _charge(rule: AutoTopUp, payment: Payment) -> None:
    """Raises StripeAway: whether the card was charged is not known, the next look asks again under the same key."""
    customer_id = checkout.customer_id_of(payment.account, payment.organization_id) or ""
    title = _("%(shop)s: automatic top-up") % {"shop": rule.organization.shop.name}
    try:
        intent_id = stripe_gateway.charging.charge_off_session(
            payment, customer_id=customer_id, card_id=payment.payment_method_id, title=title
        )
    except CardDeclined as error:
        _end(payment, PaymentStatus.FAILED, error.code, error.intent_id)
        _cancel(error.intent_id)
        return
    except StripeRefused as error:
        if error.param not in ("customer", "payment_method"):
            raise  # for the operator to mend
        _end(payment, PaymentStatus.FAILED, error.code or "refused")  # the card was taken away meanwhile
        return
    _credit(payment, intent_id)


def _cancel(intent_id: str) -> None:
    try:
        stripe_gateway.line.persistently(lambda: stripe_gateway.charging.cancel_intent(intent_id))
    except (StripeAway, StripeRefused) as error:  # only we could still confirm it, and nothing here does
        logger.warning("%s could not be canceled: %s", intent_id, error)


def _find(payment: Payment) -> bool:
    """What became of it, without charging. False: not known yet."""
    intent_id = stripe_gateway.charging.find_intent(payment)
    if intent_id is not None:
        _credit(payment, intent_id)
        return True
    if read_db_now() - payment.created_at < GIVE_UP_AFTER:
        return False
    _end(payment, PaymentStatus.EXPIRED, "never_begun")
    return True


def _credit(payment: Payment, intent_id: str) -> None:
    Payment.objects.filter(pk=payment.pk, payment_intent_id=None).update(
        payment_intent_id=intent_id, sync_due_at=db_now(), sync_tries=0
    )
    payments.sync_payment(payment.pk)


def _end(payment: Payment, status: PaymentStatus, failure: str, intent_id: str = "") -> None:
    """Unless an event told of it first."""
    Payment.objects.filter(pk=payment.pk, status__in=UNDECIDED).update(
        status=status,
        failure=failure[:60],
        payment_intent_id=intent_id or None,
        sync_due_at=None,
    )
