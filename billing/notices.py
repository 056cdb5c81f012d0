"""What operators read on top of each of their pages: books that nobody checks, payments that need somebody."""

import datetime
from collections.abc import Iterator

from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.clock import db_now, read_db_now
from accounts.desk.base import Notice
from billing import alarms, books
from billing.models import BooksCheck, Payment, PaymentStatus

AT_MOST = 10
# A dispute comes mostly within a month after the warning; later the notice would only be in the way.
WARNED_WITHIN = datetime.timedelta(days=30)


def notices(shop_id: int | None = None, *, books_too: bool = True) -> list[Notice]:
    """Of a shop, or of all. The books are those of the whole installation."""
    return [*(_of_books(books.last()) if books_too else ()), *_of_payments(shop_id)]


def _of_books(row: BooksCheck) -> Iterator[Notice]:
    path = reverse("admin:books")
    if row.checked_at is not None and row.checked_at < read_db_now() - books.OVERDUE:
        yield Notice(
            _("Nobody checks the books."),
            _("They were last checked at %(time)s UTC. Are beat and workers alive?")
            % {"time": f"{row.checked_at:%Y-%m-%d %H:%M}"},
            path,
        )


def _of_payments(shop_id: int | None) -> list[Notice]:
    """By one query: what does not agree, and warnings of fraud whose money was neither given back nor disputed."""
    needed = ("public_id", "problem", "credited")
    rows = Payment.objects.all() if shop_id is None else Payment.objects.filter(shop=shop_id)
    at_odds = rows.exclude(problem="").only(*needed)
    warned = rows.filter(
        problem="",
        fraud_warned_at__gte=db_now() - WARNED_WITHIN,
        status=PaymentStatus.PAID,
        charged_minor__gt=F("refunded_minor"),
        disputed_minor=0,
    ).only(*needed)
    return [_notice(payment) for payment in at_odds.union(warned, all=True).order_by("-pk")[:AT_MOST]]


def _notice(payment: Payment) -> Notice:
    path = reverse("admin:billing_payment_change", args=[payment.pk])
    if payment.problem:
        title = _("%(payment)s does not agree with Stripe.") % {"payment": payment.public_id}
        return Notice(title, f"{payment.problem} {alarms.advice(payment)}", path)
    return Notice(
        _("%(payment)s may be fraud.") % {"payment": payment.public_id},
        _(
            "The bank of the card has warned Stripe. A refund now is cheaper than a dispute later: look at the payment,"
            " and at what the organization does."
        ),
        path,
    )
