"""Makes the books agree with Stripe, whatever happened, and whoever asks for it.

Events, the page after a checkout, "I paid but see no credits", automatic top-ups and reconciliation all call
`sync_payment`. It looks at Stripe and writes the difference, so duplicates, reordering and misses are one case.
"""

import datetime
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts import shops
from accounts.audit import record
from accounts.clock import db_now, read_db_now
from accounts.models import AuditAction
from accounts.origin import NOWHERE, Origin
from accounts.retries import claim
from billing import alarms, automatic_rules, ledger, stripe_gateway
from billing.currencies import micros, shown
from billing.models import (
    UNDECIDED,
    HandSettlement,
    Payment,
    PaymentKind,
    PaymentStatus,
    PaymentStep,
    StoppedReason,
    StripeAccount,
)
from billing.news import tell_of_added
from billing.rounds import Round
from billing.stripe_gateway import credentials
from billing.stripe_gateway.errors import KeyRefused, StripeAway, StripeRefused

if TYPE_CHECKING:
    from billing.stripe_gateway.facts import Facts

logger = logging.getLogger(__name__)

LOOK_AGAIN = datetime.timedelta(hours=1)  # at a purchase that is not decided yet
NEVER_BEGUN = datetime.timedelta(
    hours=24
)  # Stripe forgets idempotency keys after a day: nobody can pay it any more
AT_ONCE = 20
REFUSALS_TOLERATED = 3
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30, 3600
MAX_PROBLEM = 200  # signs; what others wrote at Stripe may be longer


@dataclass(frozen=True, slots=True)
class Due:
    """What of a payment should be in the wallet."""

    credits: int
    value_micros: int


def sync_payment(payment_id: int) -> Payment:
    """The payment as it is once its wallet agrees with Stripe. Raises StripeAway or StripeRefused."""
    payment = begin(payment_id)
    facts = ask(payment)
    # What is kept of it and told to operators must not change with the language of whoever happens to look.
    with override(settings.LANGUAGE_CODE):
        return apply(payment, facts)


def due(payment: Payment, facts: "Facts") -> Due:
    """An open or lost dispute counts as taken back, a won one does not; tax is nobody's income."""
    if facts.status != "paid":
        return Due(0, 0)
    charged = facts.charged_minor
    if charged == 0:  # a free checkout
        return Due(payment.credits, 0)
    kept = max(0, charged - facts.refunded_minor - facts.disputed_minor)
    credits = payment.credits * kept // charged
    net_micros = micros(charged - facts.tax_minor, payment.currency)
    return Due(credits, net_micros * credits // payment.credits)


def disagreement(payment: Payment, facts: "Facts") -> str:
    """Why this is not what was agreed; "" when it is. Discount and tax are recorded, and not compared."""
    if facts.livemode != payment.livemode:
        return _("It was paid in the other mode, live or test.")
    if facts.reference != payment.public_id:
        return _("It belongs to %(other)s.") % {"other": facts.reference or _("no payment of ours")}
    if (facts.currency, facts.amount_minor) != (payment.currency, payment.amount_minor):
        return _("Its price is %(other)s, not %(agreed)s.") % {
            "other": shown(facts.amount_minor, facts.currency or "?"),
            "agreed": payment.price,
        }
    return ""


# --- The steps ----------------------------------------------------------------------------------


@transaction.atomic
def begin(payment_id: int) -> Payment:
    """Takes a number before Stripe is asked: of two looks that overlap, the later one is right."""
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    Payment.objects.filter(pk=payment_id).update(sync_no=F("sync_no") + 1)
    payment.sync_no += 1
    return payment


def ask(payment: Payment) -> "Facts | None":
    """None: Stripe was never asked to take money for it."""
    if payment.session_id:
        return stripe_gateway.facts.facts_of_session(payment.account, payment.session_id)
    if payment.payment_intent_id:
        return stripe_gateway.facts.facts_of_intent(payment.account, payment.payment_intent_id)
    return None


@transaction.atomic
def apply(looked: Payment, facts: "Facts | None") -> Payment:
    of_whom = Payment.objects.select_related("organization")
    payment = of_whom.select_for_update(of=("self",)).get(pk=looked.pk)
    if looked.sync_no <= payment.applied_no:
        return payment  # somebody who looked later was faster
    if facts is not None:
        _note_failed_refunds(payment, facts)
    if payment.status == PaymentStatus.SETTLED:
        _watch_settled(payment, facts)
    elif facts is None:
        _give_up_old(payment)
    else:
        problem = disagreement(payment, facts)[:MAX_PROBLEM]
        if problem:
            _set_aside(payment, facts, problem)
        else:
            _agree(payment, facts, looked.sync_no)
    # Stored whatever was found: else an older look could still be applied.
    _finish(looked, payment)
    return payment


def _agree(payment: Payment, facts: "Facts", number: int) -> None:
    target = due(payment, facts)
    is_given_back = _is_given_back(payment, target, facts)
    if target.credits != payment.credited:
        _book(payment, target, facts, number)
        payment.credited, payment.value_micros = target.credits, target.value_micros
    if is_given_back:
        # Else it would buy the same again at once, of somebody who wants their money back.
        automatic_rules.stop(payment.organization_id, StoppedReason.GIVEN_BACK)
    _note_paid(payment, facts)
    payment.status = PaymentStatus(facts.status)
    payment.payment_intent_id = facts.payment_intent_id or payment.payment_intent_id
    payment.charged_minor = facts.charged_minor if facts.status == "paid" else 0
    payment.tax_minor, payment.discount_minor = facts.tax_minor, facts.discount_minor
    payment.refunded_minor, payment.disputed_minor = facts.refunded_minor, facts.disputed_minor
    is_closed = payment.organization.closed_at is not None  # then a card would tell whose it was
    payment.card, payment.problem = "" if is_closed else facts.card[:40], ""
    if facts.status == "failed":
        payment.failure = facts.failure[:60] or payment.failure


def _set_aside(payment: Payment, facts: "Facts", problem: str) -> None:
    """No credit is given or taken; somebody has to look. Told once for each new problem."""
    logger.error("%s does not agree with Stripe: %s", payment.public_id, problem)
    _note_paid(payment, facts)
    if payment.problem != problem:
        payment.problem = problem
        alarms.disagreement(payment)


def _watch_settled(payment: Payment, facts: "Facts | None") -> None:
    """An operator has decided: nothing changes any more. Only money that came since is told, once."""
    if facts is not None and _note_paid(payment, facts):
        alarms.paid_after_it_was_settled(payment)


def _note_paid(payment: Payment, facts: "Facts") -> bool:
    """Whether it is news."""
    is_news = facts.status == "paid" and payment.paid_at is None
    if is_news:
        payment.paid_at = read_db_now()
    return is_news


def _note_failed_refunds(payment: Payment, facts: "Facts") -> None:
    """Of those that were asked for here: what a bank sends back days later, nobody waits for any more."""
    for refund_id, reason in facts.failed_refunds:
        row = payment.refunds.filter(refund_id=refund_id, refusal="").first()
        if row is not None:
            row.refusal = _("It came back from the bank: %(reason)s.") % {"reason": reason}
            row.save(update_fields=["refusal"])
            logger.error("%s failed at Stripe: %s", row.key, reason)
            alarms.refund_failed(row)


def _give_up_old(payment: Payment) -> None:
    if payment.kind == PaymentKind.CHECKOUT and read_db_now() - payment.created_at > NEVER_BEGUN:
        payment.status = PaymentStatus.EXPIRED


def _is_given_back(payment: Payment, target: Due, facts: "Facts") -> bool:
    """More than at the last look; also of one that never got as far as the wallet."""
    known_minor = payment.refunded_minor + payment.disputed_minor
    return target.credits < payment.credited or facts.refunded_minor + facts.disputed_minor > known_minor


def _finish(looked: Payment, payment: Payment) -> None:
    """Stores it; a wish to look again that came while we looked stands."""
    payment.applied_no = looked.sync_no
    if payment.sync_due_at == looked.sync_due_at:
        payment.sync_tries = 0
        payment.sync_due_at = read_db_now() + LOOK_AGAIN if payment.status in UNDECIDED else None
    payment.save()


def _book(payment: Payment, target: Due, facts: "Facts", number: int) -> None:
    credits = target.credits - payment.credited
    value_micros = target.value_micros - payment.value_micros
    step = PaymentStep.objects.create(
        payment=payment,
        number=number,
        reference=f"payment:{payment.pk}:{number}",
        credits=credits,
        value_micros=value_micros,
        charged_minor=facts.charged_minor,
        refunded_minor=facts.refunded_minor,
        disputed_minor=facts.disputed_minor,
    )
    if credits > 0:
        entry = ledger.top_up(
            payment.organization_id,
            credits,
            net_value_micros=value_micros,
            reference=step.reference,
            actor=payment.actor,
        )
    else:
        entry = ledger.claw_back(
            payment.organization_id,
            -credits,
            value_micros=-value_micros,
            reference=step.reference,
            actor="system",
        )
    if entry is None:
        raise RuntimeError(f"{step.reference} is in the ledger already.")
    if credits > 0:
        tell_of_added(payment.organization_id, credits, kind="purchase", reference=payment.public_id)


@transaction.atomic
def settle_by_hand(payment_id: int, *, actor: str, reason: str, origin: Origin = NOWHERE) -> Payment:
    """Ends one that does not agree with Stripe: what it brought stays, no look changes it. Raises ValidationError."""
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    if not payment.problem:
        raise ValidationError(
            _("There is nothing to settle: it agrees with Stripe now, or was settled before.")
        )
    HandSettlement.objects.create(
        payment=payment, problem=payment.problem, reason=reason.strip()[:500], actor=actor
    )
    payment.status, payment.problem = PaymentStatus.SETTLED, ""
    payment.sync_due_at, payment.sync_tries = None, 0
    payment.save()
    record(
        payment.organization,
        AuditAction.PAYMENT_SETTLED,
        actor=actor,
        origin=origin,
        subject=payment.public_id,
        note=reason.strip(),
    )
    return payment


@transaction.atomic
def settle_unseen(payment_id: int, *, actor: str, reason: str) -> None:
    """The same for one that is undecided and cannot be looked at any more, for want of a key that Stripe takes."""
    unseen = Payment.objects.filter(pk=payment_id, problem="", status__in=UNDECIDED)
    with override(settings.LANGUAGE_CODE):
        unseen.update(problem=_("Stripe does not let us look at it."))
    settle_by_hand(payment_id, actor=actor, reason=reason)


# --- Who has to look ----------------------------------------------------------------------------


def want_sync(payment_id: int) -> None:
    """The next sweep looks at it."""
    Payment.objects.filter(pk=payment_id).update(sync_due_at=db_now(), sync_tries=0)


def want_all(accounts: Iterable[StripeAccount]) -> None:
    """The next sweeps look at whatever of them is undecided or waits for another try; how often it was tried still
    counts.
    """
    waiting = Q(status__in=UNDECIDED) | Q(sync_due_at__isnull=False)
    Payment.objects.filter(waiting, account__in=[one.pk for one in accounts]).update(sync_due_at=db_now())


def sync_due() -> int:
    """How many of the due payments were looked at. Any number of sweeps at once take different ones."""
    return sum(1 for _payment in look_at_due(Round()))


def look_at_due(sweep: Round) -> Iterator[Payment]:
    """Some of those that are due, each once it was looked at. Those of shops that cannot be asked stay due."""
    # Of the other accounts, such as those of the other mode, live or test, nothing is to be seen with our keys.
    due_now = Payment.objects.filter(sync_due_at__lte=db_now(), account__in=credentials.usable().values("pk"))
    for payment in sweep.rows(due_now.order_by("sync_due_at"), AT_ONCE):
        if _claim(payment) and try_sync(payment, sweep):
            yield payment


def _claim(payment: Payment) -> bool:
    return claim(
        Payment.objects.all(),
        payment,
        first_s=FIRST_PAUSE_S,
        longest_s=LONGEST_PAUSE_S,
        due="sync_due_at",
        tries="sync_tries",
    )


def try_sync(payment: Payment, sweep: Round | None = None) -> bool:
    """False when Stripe could not be asked: it stays due. `sweep` hears of that."""
    try:
        return _look(payment)
    except (StripeAway, KeyRefused) as error:
        logger.warning("%s could not be looked up, Stripe cannot be asked: %s", payment.public_id, error)
        if sweep is not None:
            sweep.cannot_ask(payment.shop_id, error)
        return False


def _look(payment: Payment) -> bool:
    """False when Stripe refuses this one. Raises StripeAway or KeyRefused."""
    try:
        if _must_not_be_paid(payment):
            with suppress(StripeRefused):  # it was paid, or has ended
                stripe_gateway.selling.expire_checkout(payment.account, str(payment.session_id))
        sync_payment(payment.pk)
    except KeyRefused:  # nothing is wrong with the payment; reconciling tells of it
        raise
    except StripeRefused as error:
        logger.error("%s could not be looked up, Stripe refuses: %s", payment.public_id, error)
        if payment.sync_tries >= REFUSALS_TOLERATED:
            with override(settings.LANGUAGE_CODE):
                _cannot_look(payment, error)
        return False
    return True


def _must_not_be_paid(payment: Payment) -> bool:
    """Its page may be open yet, and its shop sells nothing for now."""
    if payment.kind != PaymentKind.CHECKOUT or payment.status != PaymentStatus.OPEN or not payment.session_id:
        return False
    # Not by what was read a second ago: else it would be open until the next look, an hour later.
    return shops.is_paused_now(payment.shop_id)


@transaction.atomic
def _cannot_look(payment: Payment, error: StripeRefused) -> None:
    """Told once, and a problem like others: one of an account that is gone would have no end otherwise."""
    unsettled = Payment.objects.filter(pk=payment.pk, problem="").exclude(status=PaymentStatus.SETTLED)
    if unsettled.update(problem=_("Stripe does not let us look at it.")):
        alarms.cannot_look(payment, error)
