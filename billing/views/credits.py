"""The page of credits: what is there, how to get more, what was bought, every entry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.access import Access
from accounts.pages import member_page
from billing import low_balance, packs, reads
from billing.models import AutoTopUp, EntryKind, LedgerEntry, Payment, PaymentKind, PaymentStatus, PaymentStep
from billing.stripe_gateway import credentials
from billing.views.shared import leads_to_stripe, number_in

CAME_BACK = gettext_lazy("Back after a refund or dispute")
# Why an automatic top-up did not go through; other codes of Stripe's are declines as well.
FAILURES: dict[str, Any] = {
    "authentication_required": gettext_lazy("Your bank wants you to confirm it"),
    "no_card": gettext_lazy("There was no saved card"),
    "never_begun": gettext_lazy("It was not begun in time"),
}
PURCHASES = 20


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in words. Amounts in credits; `cause` and `cause_id` are the two parts of its reference."""

    words: Any
    available: int
    held: int
    owed: int
    cause: str
    cause_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Purchase:
    """A payment in words; `may_go_on`: its checkout waits to be paid."""

    payment: Payment
    words: Sequence[str]
    amount: str
    has_receipt: bool
    may_go_on: bool


@require_safe
@member_page
def credits_page(request: HttpRequest, access: Access) -> HttpResponse:
    return leads_to_stripe(access, show(request, access))


def show(request: HttpRequest, access: Access, *, status: int = 200, **more: Any) -> HttpResponse:
    """`more`: what a form on this page has to say, such as `voucher_problem`."""
    before = number_in(request.GET.get("before", ""))
    organization = access.organization
    statement = reads.statement(organization.pk, before=before)
    found = credentials.of_shop(organization.shop_id)
    context = {
        "access": access,
        "here": "credits",
        "balance": reads.balance(organization.pk),
        "lines": _lines(statement.entries),
        "next_before": statement.next_before,
        "is_first": before is None,
        "may_pay": access.handles_money,
        "has_payments": found is not None,
        "is_till": found is not None and found.is_till,
    }
    if access.handles_money:
        context |= {
            "packs": list(packs.on_sale(organization.shop_id)),
            "automatic": AutoTopUp.objects.select_related("pack").filter(organization=organization).first(),
            "threshold": low_balance.threshold(organization.pk),
            **_purchases(organization.pk, number_in(request.GET.get("bought_before", ""))),
        }
    return render(request, "billing/credits.html", context | more, status=status)


# --- What was bought ----------------------------------------------------------------------------


def _purchases(organization_id: int, before: int | None) -> dict[str, Any]:
    """The newest first, without what never got to a page or a card, or was left without paying."""
    found = Payment.objects.filter(organization_id=organization_id).exclude(status=PaymentStatus.EXPIRED)
    found = found.exclude(session_id=None, payment_intent_id=None).order_by("-pk")
    if before is not None:
        found = found.filter(pk__lt=before)
    rows = list(found[: PURCHASES + 1])
    return {
        "purchases": [_purchase(payment) for payment in rows[:PURCHASES]],
        "bought_before": rows[PURCHASES - 1].pk if len(rows) > PURCHASES else None,
        "are_newest_purchases": before is None,
    }


def _purchase(payment: Payment) -> Purchase:
    is_paid = payment.status == PaymentStatus.PAID
    is_open = payment.status == PaymentStatus.OPEN and payment.kind == PaymentKind.CHECKOUT
    return Purchase(
        payment,
        _words(payment),
        payment.charged if is_paid else payment.price,
        has_receipt=is_paid and payment.charged_minor > 0,
        may_go_on=is_open and not payment.problem,
    )


def _words(payment: Payment) -> list[str]:
    if payment.problem:
        return [_("Being looked at by the operator")]
    if payment.status == PaymentStatus.FAILED and payment.failure:
        return [*payment.standing, str(FAILURES.get(payment.failure, _("The card was declined")))]
    return payment.standing


# --- What came and went -------------------------------------------------------------------------


def _lines(entries: Sequence[LedgerEntry]) -> list[Line]:
    first = _first_steps(entries)
    return [
        _line(entry, came_back=entry.reference in first and not first[entry.reference]) for entry in entries
    ]


def _first_steps(entries: Sequence[LedgerEntry]) -> dict[str, bool]:
    """Reference -> whether that was the purchase itself; for credits that payments brought."""
    brought = [
        entry.reference
        for entry in entries
        if entry.kind == EntryKind.TOP_UP and entry.reference.startswith("payment:")
    ]
    if not brought:
        return {}
    steps = PaymentStep.objects.filter(reference__in=brought)
    rows = steps.annotate(first=Min("payment__steps__number")).values_list("reference", "number", "first")
    return {reference: number == first for reference, number, first in rows}


def _line(entry: LedgerEntry, *, came_back: bool) -> Line:
    cause, _colon, cause_id = entry.reference.partition(":")
    words = CAME_BACK if came_back else reads.KIND_WORDS[entry.kind]
    return Line(words, entry.available, entry.held, entry.owed, cause, cause_id, entry.created_at)
