"""The panel of the books: what the last check found, and a button for another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.contrib.admin import site
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.clock import read_db_now
from accounts.models import User
from billing import audit, books
from billing.models import BooksCheck

RUN = "billing.change_bookscheck"
# Name of a rule -> what it proves; what is not named here stands under "everything else".
PROVEN: Mapping[str, tuple[Any, tuple[str, ...]]] = MappingProxyType(
    {
        "balances": (
            gettext_lazy("Every wallet is the sum of its entries"),
            (
                "wallet_is_not_the_sum_of_its_entries",
                "wallet_is_in_an_impossible_state",
                "organization_has_no_wallet",
            ),
        ),
        "orphans": (
            gettext_lazy("No hold without an open order"),
            (
                "open_hold_without_an_open_generation",
                "hold_has_no_known_cause",
                "wallet_open_tasks_are_not_its_open_holds",
            ),
        ),
        "doubles": (
            gettext_lazy("Nothing is settled twice"),
            ("reference_is_settled_twice", "settlement_does_not_match_its_hold"),
        ),
        "unsettled": (
            gettext_lazy("Every order that ended is settled as it ended"),
            (
                "live_generation_is_not_held_or_settled_as_its_status_says",
                "capture_is_not_the_price_of_what_was_delivered",
                "delivery_does_not_fit_its_status",
                "test_generation_touched_the_wallet",
            ),
        ),
        "payments": (
            gettext_lazy("Payments are what they brought"),
            (
                "payment_is_not_the_sum_of_its_steps",
                "payment_is_settled_by_nobody",
                "payment_step_is_not_its_entry",
                "payment_entry_has_no_step",
                "payment_is_not_of_one_shop",
            ),
        ),
        "gifts": (
            gettext_lazy("What was given has its cause, and is as much as that says"),
            (
                "redemption_is_not_what_was_granted",
                "voucher_brought_credits_without_a_redemption",
                "voucher_is_not_redeemed_as_often_as_it_says",
                "voucher_was_redeemed_in_another_shop",
                "welcome_is_not_what_was_granted",
                "somebody_was_welcomed_without_a_row",
                "incident_gift_is_not_what_the_incident_gives",
                "incident_share_is_not_what_was_granted",
                "order_made_again_is_not_what_was_granted",
                "credits_for_an_order_made_again_without_one",
                "goodwill_for_an_order_that_is_not_its_organization_s",
            ),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """A promise, and the rows that break it."""

    title: str
    broken: Sequence[Mapping[str, str]]
    is_broken: bool


def lines(row: BooksCheck) -> list[Line]:
    named = {rule for _title, rules in PROVEN.values() for rule in rules}
    others = tuple(rule.name for rule in audit.all_rules() if rule.name not in named)
    others = (*others, "append_only_trigger_is_missing")
    told = [*PROVEN.values(), (gettext_lazy("Everything else that the check looks at"), others)]
    return [
        Line(
            str(title),
            [one for one in row.findings if one["rule"] in rules],
            bool(set(rules) & set(row.problems)),
        )
        for title, rules in told
    ]


def books_view(request: HttpRequest) -> HttpResponse:
    """GET shows the last result, POST checks now: what came since the last proof."""
    user = request.user
    may_run = isinstance(user, User) and user.has_perm(RUN)
    if request.method == "POST":
        if not may_run:
            raise PermissionDenied
        books.look()
        return HttpResponseRedirect(reverse("admin:books"))
    row, now = books.last(), read_db_now()
    context = {
        **site.each_context(request),
        "title": _("The books"),
        "row": row,
        "lines": lines(row),
        "is_overdue": books.is_overdue(row),
        "events_wait": row.oldest_event_at is not None and row.oldest_event_at < now - books.EVENT_WAITS,
        "may_run": may_run,
        "more": max(0, row.count - len(row.findings)),
        "minutes": int(books.EVERY.total_seconds() // 60),
    }
    return TemplateResponse(request, "admin/books.html", context)
