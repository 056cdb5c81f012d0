"""Makes the books agree with Stripe, whatever happened, and whoever asks for it.

Events, the page after a checkout, "I paid but see no credits", automatic top-ups and reconciliation all call
`sync_payment`. It looks at Stripe and writes the difference, so duplicates, reordering and misses are one case.
"""

import datetime
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from accounts.alerts import raise_alert
from accounts.clock import db_now, read_db_now
from accounts.models import AlertKind
from accounts.retries import claim
from billing import automatic_rules, ledger, stripe_gateway
from billing.currencies import micros, shown
from billing.models import UNDECIDED, Payment, PaymentKind, PaymentStatus, PaymentStep, StoppedReason
from billing.stripe_gateway.errors import StripeAway, StripeRefused

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


@dataclass(frozen=True, slots=True)
class Due:
    """What of a payment should be in the wallet."""

    credits: int
    value_micros: int


def sync_payment(payment_id: int) -> Payment:
    """The payment as it is once its wallet agrees with Stripe. Raises StripeAway or StripeRefused."""
    payment = begin(payment_id)
    return apply(payment, ask(payment))


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
        return stripe_gateway.facts.facts_of_session(payment.session_id)
    if payment.payment_intent_id:
        return stripe_gateway.facts.facts_of_intent(payment.payment_intent_id)
    return None


@transaction.atomic
def apply(looked: Payment, facts: "Facts | None") -> Payment:
    payment = Payment.objects.select_for_update().get(pk=looked.pk)
    if looked.sync_no <= payment.applied_no:
        return payment  # somebody who looked later was faster
    if facts is None:
        return _apply_nothing(looked, payment)
    problem = disagreement(payment, facts)
    if problem:
        _tell_of(payment, problem)
        return payment
    target = due(payment, facts)
    is_given_back = _is_given_back(payment, target, facts)
    if target.credits != payment.credited:
        _book(payment, target, facts, looked.sync_no)
        payment.credited, payment.value_micros = target.credits, target.value_micros
    if is_given_back:
        # Else it would buy the same again at once, of somebody who wants their money back.
        automatic_rules.stop(payment.organization_id, StoppedReason.GIVEN_BACK)
    if facts.status == "paid" and payment.paid_at is None:
        payment.paid_at = read_db_now()
    payment.status = PaymentStatus(facts.status)
    payment.payment_intent_id = facts.payment_intent_id or payment.payment_intent_id
    payment.charged_minor = facts.charged_minor if facts.status == "paid" else 0
    payment.tax_minor, payment.discount_minor = facts.tax_minor, facts.discount_minor
    payment.refunded_minor, payment.disputed_minor = facts.refunded_minor, facts.disputed_minor
    payment.card, payment.problem = facts.card[:40], ""
    if facts.status == "failed":
        payment.failure = facts.failure[:60] or payment.failure
    _finish(looked, payment)
    return payment


def _apply_nothing(looked: Payment, payment: Payment) -> Payment:
    if payment.kind == PaymentKind.CHECKOUT and read_db_now() - payment.created_at > NEVER_BEGUN:
        payment.status = PaymentStatus.EXPIRED
    _finish(looked, payment)
    return payment


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


def _tell_of(payment: Payment, problem: str) -> None:
    """No credit is given or taken; somebody has to look. Told once for each new problem."""
    logger.error("%s does not agree with Stripe: %s", payment.public_id, problem)
    changed = Payment.objects.filter(~Q(problem=problem), pk=payment.pk).update(
        problem=problem, sync_due_at=None, sync_tries=0
    )
    payment.problem = problem
    if changed:
        subject = _("%(payment)s does not agree with Stripe") % {"payment": payment.public_id}
        advice = _(
            "No credits were given for it. Compare it at Stripe, then refund it there or credit by hand."
        )
        raise_alert(payment.shop_id, AlertKind.PAYMENT, subject, f"{problem} {advice}")


# --- Who has to look ----------------------------------------------------------------------------


def want_sync(payment_id: int) -> None:
    """The next sweep looks at it."""
    Payment.objects.filter(pk=payment_id).update(sync_due_at=db_now(), sync_tries=0)


def sync_due() -> int:
    """How many of the due payments were looked at. Any number of sweeps at once take different ones."""
    # Those of the other mode, live or test, are not to be seen with this key.
    due_now = Payment.objects.filter(sync_due_at__lte=db_now(), livemode=settings.STRIPE_LIVEMODE)
    found = due_now.order_by("sync_due_at")
    return sum(try_sync(payment) for payment in found[:AT_ONCE] if _claim(payment))


def _claim(payment: Payment) -> bool:
    return claim(
        Payment.objects.all(),
        payment,
        first_s=FIRST_PAUSE_S,
        longest_s=LONGEST_PAUSE_S,
        due="sync_due_at",
        tries="sync_tries",
    )


def try_sync(payment: Payment) -> bool:
    """False when Stripe could not be asked: it stays due."""
    try:
        sync_payment(payment.pk)
    except StripeAway as error:
        logger.warning("%s could not be looked up, Stripe is away: %s", payment.public_id, error)
        return False
    except StripeRefused as error:
        logger.error("%s could not be looked up, Stripe refuses: %s", payment.public_id, error)
        if payment.sync_tries == REFUSALS_TOLERATED:
            _tell_of_refusal(payment, error)
        return False
    return True


@transaction.atomic
def _tell_of_refusal(payment: Payment, error: StripeRefused) -> None:
    subject = _("Stripe does not let us look at %(payment)s") % {"payment": payment.public_id}
    advice = _("Look at STRIPE_SECRET_KEY: is it the account's that this payment was made on?")
    raise_alert(payment.shop_id, AlertKind.PAYMENT, subject, f"{error} {advice}")
