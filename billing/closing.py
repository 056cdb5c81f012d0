"""What becomes of an organization's money when it closes: nothing more is bought, what is on its way is waited for,
credits that are left are taken with an entry, and what names people goes. Payments keep ids and amounts, entries stay
as they are, and a debt stays a debt: whatever Stripe tells later is still booked.
"""

import datetime
from collections.abc import Iterator

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.clock import db_now
from accounts.models import Organization
from billing import automatic_rules, ledger, reads, stripe_events, unfinished
from billing.models import UNDECIDED, AutoTopUp, BalanceNotice, EntryNote, Payment, Refund

PORTION = 500
# Banks take days; what is not decided by then never is.
DECIDED_WITHIN = datetime.timedelta(days=60)


def losses(organization: Organization) -> Iterator[str]:
    left = reads.balance(organization.pk).available
    if left:
        words = ngettext("%(count)s credit", "%(count)s credits", left)
        yield words % {"count": number_format(left, force_grouping=True)}
    under_way = Payment.objects.filter(organization=organization, status__in=UNDECIDED).count()
    if under_way:
        yield ngettext(
            "what comes of a purchase that is on its way",
            "what comes of purchases that are on their way",
            under_way,
        )
    if AutoTopUp.objects.filter(organization=organization, is_on=True).exists():
        yield _("automatic top-up: it is off at once, and stays off should you change your mind")


def end_purchases(organization: Organization) -> bool:
    """Whether no money is on its way any more, and nothing is held."""
    automatic_rules.switch_off(organization.pk)
    payments = Payment.objects.filter(organization=organization)
    refunds = Refund.objects.filter(payment__organization=organization)
    unfinished.end_trials(payments, refunds)
    undecided = payments.filter(status__in=UNDECIDED, created_at__gt=db_now() - DECIDED_WITHIN)
    promised = refunds.filter(due_at__isnull=False)
    return not (reads.balance(organization.pk).held or undecided.exists() or promised.exists())


def forget(organization: Organization) -> Iterator[None]:
    left = reads.balance(organization.pk).available
    if left:
        ledger.take(organization.pk, left, reference=f"closing:{organization.pk}", actor="system")
        yield
    notes = EntryNote.objects.filter(entry__wallet__organization=organization)
    while portion := list(notes.values_list("pk", flat=True)[:PORTION]):
        EntryNote.objects.filter(pk__in=portion).delete()
        yield
    while stripe_events.cut_of(organization.pk):
        yield
    AutoTopUp.objects.filter(organization=organization).delete()
    BalanceNotice.objects.filter(organization=organization).delete()
    Refund.objects.filter(payment__organization=organization).exclude(reason="").update(reason="")
    Payment.objects.filter(organization=organization).update(card="", payment_method_id="")
    yield
