"""What members see of their money."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.access import Access
from accounts.pages import member_page
from billing import reads
from billing.models import EntryKind, LedgerEntry

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


@require_safe
@member_page
def credits_page(request: HttpRequest, access: Access) -> HttpResponse:
    before = request.GET.get("before", "")
    is_cursor = before.isascii() and before.isdigit() and len(before) <= MAX_CURSOR_DIGITS
    statement = reads.statement(access.organization.pk, before=int(before) if is_cursor else None)
    context = {
        "access": access,
        "here": "credits",
        "balance": reads.balance(access.organization.pk),
        "lines": [_line(entry) for entry in statement.entries],
        "next_before": statement.next_before,
        "is_first": not is_cursor,
    }
    return render(request, "billing/credits.html", context)


def _line(entry: LedgerEntry) -> Line:
    cause, _colon, cause_id = entry.reference.partition(":")
    words = KIND_WORDS[entry.kind]
    return Line(words, entry.available, entry.held, entry.owed, cause, cause_id, entry.created_at)
