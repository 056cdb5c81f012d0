"""What of a shop is not finished at Stripe, and needs the shop's key for its end: purchases that nobody has decided
yet, and refunds that are on their way.
"""

from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from accounts.clock import db_now
from accounts.models import Shop
from billing import checkout, payments, refunds
from billing.models import UNDECIDED, Payment, PaymentStatus, Refund, StripeAccount, StripeEvent
from billing.rounds import Round
from billing.stripe_gateway import credentials
from billing.stripe_gateway.errors import StripeAway


def purchases(shop: Shop, **of_accounts: bool) -> QuerySet[Payment]:
    """`of_accounts`: such as livemode=True."""
    accounts = list(StripeAccount.objects.filter(shop=shop, **of_accounts).values_list("pk", flat=True))
    return Payment.objects.filter(account__in=accounts, status__in=UNDECIDED).order_by("pk")


def promised_refunds(shop: Shop, **of_accounts: bool) -> QuerySet[Refund]:
    accounts = {f"payment__account__{name}": value for name, value in of_accounts.items()}
    found = Refund.objects.filter(payment__shop=shop, due_at__isnull=False, **accounts)
    return found.select_related("payment__account", "payment__organization").order_by("pk")


def words(shop: Shop, **of_accounts: bool) -> list[str]:
    """What there is, for people; [] for nothing."""
    open_count, promised = (
        purchases(shop, **of_accounts).count(),
        promised_refunds(shop, **of_accounts).count(),
    )
    found = []
    if open_count:
        said = ngettext(
            "%(count)d purchase is not decided yet", "%(count)d purchases are not decided yet", open_count
        )
        found.append(said % {"count": open_count})
    if promised:
        said = ngettext(
            "%(count)d refund was promised and is not given yet",
            "%(count)d refunds were promised and are not given yet",
            promised,
        )
        found.append(said % {"count": promised})
    return found


def go_on(account: StripeAccount) -> None:
    """With what waits for a key: one was entered. In the order in which an event that is processed locks them."""
    StripeEvent.objects.filter(account=account, processed_at=None).update(due_at=db_now())
    payments.want_all([account])
    Refund.objects.filter(payment__account=account, due_at__isnull=False).update(due_at=db_now())


# --- A shop that stands still ---------------------------------------------------------------------


def after_pause(shop: Shop) -> None:
    """As accounts.hooks.shop_paused calls it: whoever has a page of Stripe open could still pay on it, so the next
    sweep closes those pages (payments.py). What was paid before that is credited as ever.
    """
    _look_soon(shop)
    # Purchases that began at this very moment are not to be seen by the statement above.
    transaction.on_commit(partial(_look_soon, shop))


def _look_soon(shop: Shop) -> None:
    purchases(shop).filter(status=PaymentStatus.OPEN).update(sync_due_at=db_now())


# --- A shop that ends -----------------------------------------------------------------------------


def end_trials(bought: QuerySet[Payment], promised: QuerySet[Refund]) -> None:
    """What of these was begun in Stripe's test mode at shops that have gone live since: it moves no money, and nobody
    can look at it any more. Should the test key be entered again after all, Stripe's events are heard as ever.
    """
    undecided = bought.filter(credentials.of_trials("account"), status__in=UNDECIDED)
    undecided.update(status=PaymentStatus.EXPIRED, problem="", sync_due_at=None)
    due = promised.filter(credentials.of_trials("payment__account"), due_at__isnull=False)
    with override(settings.LANGUAGE_CODE):
        due.filter(refund_id=None).update(refusal=_("It was of Stripe's test mode: no money is owed."))
    due.update(due_at=None)


def try_to_end(shop: Shop) -> None:
    """All of it, as far as Stripe answers now. In no transaction."""
    end_trials(purchases(shop), promised_refunds(shop))
    checkout.give_up_unseen(purchases(shop))
    sweep = Round()
    usable = credentials.usable().filter(shop=shop)
    for payment in purchases(shop).filter(account__in=usable.values("pk")):
        if sweep.is_over() or sweep.trouble is not None:
            return
        payments.try_sync(payment, sweep)
    for row in promised_refunds(shop).filter(payment__account__in=usable.values("pk")):
        if sweep.trouble is not None:
            return
        refunds.carry_out(row, is_awaited=False, sweep=sweep)


def end_by_hand(shop: Shop, *, actor: str, reason: str) -> list[str]:
    """Ends what Stripe cannot be asked about any more, since the shop has no key or its key is refused: each with an
    entry in the audit log. What is owed or unknown, a line for each. In no transaction. Raises ValidationError.
    """
    said = []
    for row in promised_refunds(shop):
        if refunds.end_by_hand(row, actor=actor, reason=reason):
            said.append(
                _(
                    "%(amount)s of %(payment)s is owed to %(organization)s: it was promised, and not given back."
                )
                % {
                    "amount": row,
                    "payment": row.payment.public_id,
                    "organization": row.payment.organization.slug,
                }
            )
    # Younger ones may be paid until Stripe ends them by itself.
    old = purchases(shop).filter(created_at__lt=db_now() - payments.NEVER_BEGUN)
    for payment in old.select_related("organization", "account"):
        if not is_out_of_reach(payment):
            continue
        payments.settle_unseen(payment.pk, actor=actor, reason=reason)
        said.append(
            _("%(payment)s of %(organization)s, %(price)s: whether it was paid, nobody knows.")
            % {
                "payment": payment.public_id,
                "organization": payment.organization.slug,
                "price": payment.price,
            }
        )
    return said


def is_out_of_reach(payment: Payment) -> bool:
    """Whether there is no key to look at it with, or Stripe refuses that. It may be decided by this look."""
    if credentials.of_account(payment.account) is None:
        return True
    sweep = Round()
    return not payments.try_sync(payment, sweep) and not isinstance(sweep.trouble, StripeAway)
