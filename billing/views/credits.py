"""The page of credits: what is there, how to get more, what was bought, every entry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.access import Access
from accounts.pages import member_page
from billing import packs, reads
from billing.currencies import shown
from billing.models import AutoTopUp, BalanceNotice, EntryKind, LedgerEntry, Payment, PaymentStatus
from billing.views.shared import leads_to_stripe

KIND_WORDS: dict[str, Any] = {
    EntryKind.TOP_UP: _("Bought"),
    EntryKind.GRANT: _("Given"),
    EntryKind.TAKE: _("Removed by the operator"),
    EntryKind.HOLD: _("Held"),
    EntryKind.CAPTURE: _("Spent"),
    EntryKind.RELEASE: _("Returned"),
    EntryKind.CLAW_BACK: _("Taken back after a refund"),
}
MAX_CURSOR_DIGITS = 18
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
    """A payment in words."""

    payment: Payment
    words: str
    amount: str
    has_receipt: bool


@require_safe
@member_page
def credits_page(request: HttpRequest, access: Access) -> HttpResponse:
    return leads_to_stripe(show(request, access))


def show(request: HttpRequest, access: Access, *, status: int = 200, **more: Any) -> HttpResponse:
    """`more`: what a form on this page has to say, such as `voucher_problem`."""
    before = request.GET.get("before", "")
    is_cursor = before.isascii() and before.isdigit() and len(before) <= MAX_CURSOR_DIGITS
    organization = access.organization
    statement = reads.statement(organization.pk, before=int(before) if is_cursor else None)
    context = {
        "access": access,
        "here": "credits",
        "balance": reads.balance(organization.pk),
        "lines": [_line(entry) for entry in statement.entries],
        "next_before": statement.next_before,
        "is_first": not is_cursor,
        "may_pay": access.handles_money,
        "has_payments": bool(settings.STRIPE_SECRET_KEY),
        "is_till": settings.TILL,
    }
    if access.handles_money:
        context |= {
            "packs": list(packs.on_sale(organization.shop_id)),
            "purchases": purchases(organization.pk),
            "automatic": AutoTopUp.objects.select_related("pack").filter(organization=organization).first(),
            "notice": BalanceNotice.objects.filter(organization=organization).first(),
        }
    return render(request, "billing/credits.html", context | more, status=status)


def purchases(organization_id: int) -> Sequence[Purchase]:
    """The newest, without those whose checkout was never reached."""
    found = Payment.objects.filter(organization_id=organization_id).exclude(
        session_id=None, payment_intent_id=None
    )
    return [_purchase(payment) for payment in found.order_by("-pk")[:PURCHASES]]


def _purchase(payment: Payment) -> Purchase:
    is_paid = payment.status == PaymentStatus.PAID
    amount = payment.charged if is_paid else payment.price
    return Purchase(payment, _words(payment), amount, has_receipt=is_paid and payment.charged_minor > 0)


def _words(payment: Payment) -> str:
    if payment.problem:
        return str(_("Being looked at by the operator"))
    if payment.status != PaymentStatus.PAID:
        return str(PaymentStatus(payment.status).label)
    words = [str(PaymentStatus.PAID.label)]
    if payment.refunded_minor:
        amount = shown(payment.refunded_minor, payment.currency)
        words.append(str(_("%(amount)s given back")) % {"amount": amount})
    if payment.disputed_minor:
        amount = shown(payment.disputed_minor, payment.currency)
        words.append(str(_("%(amount)s disputed")) % {"amount": amount})
    return ", ".join(words)


def _line(entry: LedgerEntry) -> Line:
    cause, _colon, cause_id = entry.reference.partition(":")
    words = KIND_WORDS[entry.kind]
    return Line(words, entry.available, entry.held, entry.owed, cause, cause_id, entry.created_at)
