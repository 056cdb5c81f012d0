"""Automatic top-up: buys the chosen pack with the saved card before credits run out.

The rows say everything: which purchase is under way (one at a time, by a constraint), how many in a row have
failed, what was bought today and this month, when to look again. Any number of sweeps may run at once.
"""

import datetime
import logging

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.clock import db_now, read_db_now
from accounts.models import Organization
from accounts.retries import claim
from accounts.standing import is_suspended
from billing import (
    alarms,
    automatic_limits,
    automatic_rules,
    checkout,
    packs,
    payments,
    reads,
    stripe_gateway,
)
from billing.models import (
    UNDECIDED,
    AutoTopUp,
    CreditPack,
    Payment,
    PaymentKind,
    PaymentStatus,
    StoppedReason,
    StripeAccount,
)
from billing.payments import REFUSALS_TOLERATED
from billing.rounds import Round
from billing.stripe_gateway import credentials
from billing.stripe_gateway.errors import CardDeclined, KeyRefused, StripeAway, StripeRefused

logger = logging.getLogger(__name__)

# A charge whose answer was lost is asked for again under its key; later it is only looked for, and given up once
# no request for it can be on its way any more.
ASK_AGAIN_FOR = datetime.timedelta(hours=1)
GIVE_UP_AFTER = ASK_AGAIN_FOR + datetime.timedelta(minutes=5)
AT_ONCE = 50
FIRST_PAUSE_S, LONGEST_PAUSE_S = 60, 600  # longer than a look takes


class _NotNow(Exception):
    """Somebody else was faster: it is not needed, or not allowed, any more."""


def card_of(organization: Organization) -> "stripe_gateway.charging.Card | None":
    """The card that would be charged. Raises StripeAway or StripeRefused."""
    account = credentials.account_of(organization.shop_id)
    customer_id = checkout.customer_id_of(account, organization.pk)
    return stripe_gateway.charging.saved_card(account, customer_id) if customer_id else None


# --- The sweep ----------------------------------------------------------------------------------


def top_up_all() -> int:
    """How many organizations were looked at. Any number of sweeps at once take different ones."""
    automatic_rules.stop_for_tax()
    sweep = Round()
    done = 0
    found = _due().select_related("organization").only("tries", "organization__shop")
    for rule in sweep.rows(found.order_by("due_at"), AT_ONCE, "organization__shop"):
        if not _claim(rule):
            continue
        try:
            look(rule.pk)
        except (StripeAway, KeyRefused) as error:
            logger.warning("Automatic top-ups of this shop have to wait, Stripe cannot be asked: %s", error)
            sweep.cannot_ask(rule.organization.shop_id, error)
            continue
        except StripeRefused as error:
            _count_refusal(rule.pk, error)
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
        organization__shop__suspended_at=None,
        organization__shop__closing_at=None,
        organization__wallet__available__lt=F("threshold"),
    )
    takes_payments = credentials.takes_payments("organization__shop")
    return AutoTopUp.objects.filter(takes_payments, is_low | Q(Exists(unanswered)), due_at__lte=db_now())


def _claim(rule: AutoTopUp) -> bool:
    return claim(AutoTopUp.objects.all(), rule, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S)


def look(rule_id: int) -> None:
    """Whatever there is to do for one organization. Raises StripeAway, StripeRefused: it is due again later."""
    # Read now: the sweep found it before it looked at others.
    rule = AutoTopUp.objects.select_related("organization__shop", "pack").get(pk=rule_id)
    under_way = automatic_limits.purchases(rule.organization_id).filter(status__in=UNDECIDED).first()
    if under_way is None and not automatic_limits.has_to_wait(rule):
        under_way = _buy(rule)
    if under_way is None:
        _come_back(rule, FIRST_PAUSE_S)
    elif not under_way.livemode and credentials.of_account(under_way.account) is None:
        # Begun in the test mode that the shop has left: it moves no money, and nobody could ever see its end.
        _end(under_way, PaymentStatus.EXPIRED, "other_mode", under_way.payment_intent_id or "")
        _come_back(rule, 0)
    elif under_way.payment_intent_id is not None:
        _come_back(rule, FIRST_PAUSE_S)  # payments.sync_due looks at it
    elif _may_charge(rule, under_way):
        _charge(rule, under_way)
        _come_back(rule, FIRST_PAUSE_S if automatic_limits.has_to_wait(rule) else 0, refusals=0)
    elif _find(under_way):
        _come_back(rule, 0)


def _come_back(rule: AutoTopUp, after_s: int, **more: int) -> None:
    later = db_now() + datetime.timedelta(seconds=after_s)
    AutoTopUp.objects.filter(pk=rule.pk).update(due_at=later, tries=0, **more)


@transaction.atomic
def _count_refusal(rule_id: int, error: StripeRefused) -> None:
    """Operators are told of the third since Stripe last answered a charge, and of no further one."""
    rule = AutoTopUp.objects.select_related("organization").get(pk=rule_id)
    organization = rule.organization
    logger.error("The automatic top-up of %s was refused: %s", organization.slug, error)
    number = rule.refusals + 1
    mine = AutoTopUp.objects.filter(pk=rule_id, refusals=rule.refusals)
    if number <= REFUSALS_TOLERATED and mine.update(refusals=number) and number == REFUSALS_TOLERATED:
        alarms.automatic_is_refused(organization, error)


# --- One purchase -------------------------------------------------------------------------------


def _buy(rule: AutoTopUp) -> Payment | None:
    """The row of a new purchase. None: there is nothing to buy, or to pay with, or no need."""
    pack, organization = rule.pack, rule.organization
    if not rule.is_on or is_suspended(organization) or not _is_low(rule):
        return None
    is_sold = pack is not None and pack.is_active and pack.currency == organization.shop.currency
    has_tax = credentials.has_tax(organization.shop_id)
    if pack is None or not is_sold or has_tax:
        reason = StoppedReason.TAX if has_tax else StoppedReason.NO_PACK
        automatic_rules.stop(organization.pk, reason, version=rule.version)
        return None
    if automatic_limits.is_used_up(rule, pack):
        return None
    card = card_of(organization)
    if card is None:
        automatic_rules.stop(organization.pk, StoppedReason.NO_CARD, version=rule.version)
        return None
    try:
        return order(rule, pack, card.id)
    except (IntegrityError, _NotNow):
        return None


@transaction.atomic
def order(rule: AutoTopUp, pack: CreditPack, card_id: str) -> Payment:
    """Raises IntegrityError or _NotNow."""
    locked = AutoTopUp.objects.select_for_update().get(pk=rule.pk)
    if not locked.is_on or locked.version != rule.version or locked.pack_id != pack.pk:
        raise _NotNow
    organization = rule.organization
    # The same card at every try: under one key Stripe takes no other request.
    payment = checkout.agree(
        organization,
        pack,
        PaymentKind.AUTOMATIC,
        actor=rule.actor,
        rule_version=rule.version,
        payment_method_id=card_id,
    )
    # Meanwhile the shop may stand still, or count in another currency.
    if not packs.is_on_sale(pack, organization.shop_id):
        raise _NotNow
    # Not before: whatever was under way has ended now, and what it brought and cost can be seen.
    if automatic_limits.is_passed(locked) or not _is_low(locked):
        raise _NotNow
    return payment


def _is_low(rule: AutoTopUp) -> bool:
    return reads.balance(rule.organization_id).available < rule.threshold


def _may_charge(rule: AutoTopUp, payment: Payment) -> bool:
    """Asked just before: switched off, or on again with other wishes, it is only looked for."""
    version, age = payment.rule_version, read_db_now() - payment.created_at
    if version is None or age >= ASK_AGAIN_FOR or credentials.has_tax(payment.shop_id):
        return False
    same = AutoTopUp.objects.filter(pk=rule.pk, version=version)
    runs = Q(organization__shop__suspended_at=None, organization__shop__closing_at=None)
    is_wished = same.filter(runs, is_on=True, organization__suspended_at=None).exists()
    return is_wished and _is_low(rule)


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
        _cancel(payment.account, error.intent_id)
        return
    except StripeRefused as error:
        if error.param not in ("customer", "payment_method"):
            raise  # for the operator to mend
        _end(payment, PaymentStatus.FAILED, error.code or "refused")  # the card was taken away meanwhile
        return
    _credit(payment, intent_id)


def _cancel(account: StripeAccount, intent_id: str) -> None:
    try:
        stripe_gateway.line.persistently(lambda: stripe_gateway.charging.cancel_intent(account, intent_id))
    except (StripeAway, StripeRefused) as error:  # only we could still confirm it, and nothing here does
        logger.warning("%s could not be canceled: %s", intent_id, error)


def _find(payment: Payment) -> bool:
    """What became of it, without charging. False: not known yet."""
    # Of another mode, or a key that is gone, nothing is to be seen; should it have been charged, an event tells.
    is_seen = credentials.of_account(payment.account) is not None
    intent_id = stripe_gateway.charging.find_intent(payment) if is_seen else None
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
    """Unless an event told of it first: then the charge it names is looked at, and never forgotten."""
    unheard = Q(payment_intent_id=None) | Q(payment_intent_id=intent_id)
    Payment.objects.filter(unheard, pk=payment.pk, status__in=UNDECIDED).update(
        status=status,
        failure=failure[:60],
        payment_intent_id=intent_id or None,
        sync_due_at=None,
    )
