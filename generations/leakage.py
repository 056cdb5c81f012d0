"""What attempts cost without bringing anything, beside what upstreams say that they cost.

Days are those on which attempts were sent (UTC), as upstreams bill them. Attempts are found by their numbers, which
rise with time but for the moments of an insert and jumps of SQLite's clock: a day at a time, no statement reads more.
"""

import csv
import datetime
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.db.models import BooleanField, Case, Count, Q, Sum, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit_log import defused
from accounts.clock import read_db_now
from accounts.models import Shop
from accounts.newest_first import OF_ALL, SLACK, bracket
from generations.margin import CURRENCY, MICROS, Window, csv_lines, decimal, upstream_name
from generations.models import Attempt, BilledDay, Status, Upstream
from generations.providers.base import OutcomeKind

# Why an attempt that cost something brought nothing; others go by their own word.
UNPAID = "unpaid"
REASONS = {
    "orphan": gettext_lazy("nobody knows what became of it"),
    "rejected": gettext_lazy("refused for its content, and billed"),
    "failed": gettext_lazy("failed, and billed; another upstream or try made the image"),
    "late": gettext_lazy("came when its order had ended"),
    "canceled_cost": gettext_lazy("canceled by the customer, and made all the same"),
    "not_stored": gettext_lazy("could not be stored"),
    UNPAID: gettext_lazy("made for an order that nobody paid for"),
}
MOST_LINES, MOST_BYTES = 5_000, 262_144
MOST_MICROS = 10**15
MOST_PROBLEMS = 20


@dataclass(slots=True)
class Leak:
    """Of one upstream; amounts in millionths of `currency`. `lost` by the reasons, `booked_on` by day.

    `gap_micros`: what the bill says above what is booked, on the days that it is there for.
    """

    name: str
    attempts: int = 0
    booked_micros: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    booked_on: Counter[datetime.date] = field(default_factory=Counter)
    billed_on: dict[datetime.date, int] = field(default_factory=dict)
    currency: str = ""

    @property
    def lost_micros(self) -> int:
        return self.lost.total()

    @property
    def billed_micros(self) -> int:
        return sum(self.billed_on.values())

    @property
    def gap_micros(self) -> int:
        return self.billed_micros - sum(self.booked_on[day] for day in self.billed_on)

    def days(self) -> Iterator[tuple[datetime.date, int, int, int]]:
        """Those that are billed: day, billed, booked, gap."""
        for day, billed in sorted(self.billed_on.items()):
            yield day, billed, self.booked_on[day], billed - self.booked_on[day]


def report(window: Window, shop_id: int | None = None) -> list[Leak]:
    """Of a shop, or of all: by upstream, in the order of what is lost there. What this house makes itself for shops of
    several currencies stands in each.
    """
    found: dict[tuple[str, str], Leak] = {}
    for day, since, until in window.days():
        for currency, name, outcome, is_paid, number, cost in _day(since, until, shop_id):
            leak = found.setdefault((name, currency), Leak(name, currency=currency))
            leak.attempts += number
            leak.booked_micros += cost
            leak.booked_on[day] += cost
            if cost and not is_paid:
                leak.lost[UNPAID if outcome == OutcomeKind.OK else outcome] += cost
    billed = BilledDay.objects.filter(day__gte=window.start, day__lte=window.end)
    if shop_id is not None:
        billed = billed.filter(upstream__shop=shop_id)
    several = shop_id is None and Shop.objects.count() > 1
    for row in billed.select_related("upstream__shop"):
        shop = row.upstream.shop
        name = f"{shop.slug}: {row.upstream.name}" if several else row.upstream.name
        leak = found.setdefault((name, shop.currency), Leak(name, currency=shop.currency))
        leak.billed_on[row.day] = row.amount_micros
    return sorted(found.values(), key=lambda leak: (-leak.lost_micros, leak.name))


def _day(
    since: datetime.datetime, until: datetime.datetime, shop_id: int | None
) -> Iterator[tuple[str, str, str, bool, int, int]]:
    """(currency, upstream, outcome, whether the customer paid for it, attempts, cost)."""
    low = bracket(Attempt.objects.all(), since - SLACK, by=OF_ALL, time="submitted_at")[0]
    high = bracket(Attempt.objects.all(), until + SLACK, by=OF_ALL, time="submitted_at")[1]
    rows = Attempt.objects.filter(pk__gte=low, submitted_at__gte=since, submitted_at__lt=until)
    if high is not None:
        rows = rows.filter(pk__lt=high)
    if shop_id is not None:
        rows = rows.filter(generation__organization__shop=shop_id)
    paid = Q(outcome=OutcomeKind.OK, generation__status=Status.SUCCEEDED, generation__livemode=True)
    named = rows.annotate(
        name=upstream_name(of_all=shop_id is None),
        is_paid=Case(When(paid, then=Value(True)), default=Value(False), output_field=BooleanField()),
    )
    yield from (
        named.order_by()
        .values_list(f"generation__{CURRENCY}", "name", "outcome", "is_paid")
        .annotate(number=Count("pk"), cost=Sum("cost_micros"))
    )


def as_csv(window: Window, shop_id: int | None = None) -> Iterator[str]:
    """A line for each upstream and reason, and for each day that is billed; each ends with its currency."""
    yield csv_lines([("upstream", "what", "day", "booked", "billed", "gap", "currency")])
    for leak in report(window, shop_id):
        name, currency = defused(leak.name), leak.currency
        yield csv_lines([(name, "booked", "", decimal(leak.booked_micros), "", "", currency)])
        for reason, micros in sorted(leak.lost.items()):
            yield csv_lines([(name, f"lost: {reason}", "", decimal(micros), "", "", currency)])
        for day, billed, booked, gap in leak.days():
            amounts = (decimal(booked), decimal(billed), decimal(gap))
            yield csv_lines([(name, "billed", day.isoformat(), *amounts, currency)])


# --- The bill -----------------------------------------------------------------------------------


class BadBill(Exception):
    """`problems`: what is wrong with which line, for people."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_bill(data: bytes, today: datetime.date) -> dict[datetime.date, int]:
    """Millionths by day, of lines such as `2026-11-28,12.50`; a heading is left out. Raises BadBill."""
    if len(data) > MOST_BYTES:
        raise BadBill([_("The file is larger than %(size)d kB.") % {"size": MOST_BYTES // 1024}])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadBill([_("The file is no UTF-8 text. Save it as CSV (UTF-8).")]) from None
    separator = ";" if text.partition("\n")[0].count(";") else ","
    found: dict[datetime.date, int] = {}
    problems: list[str] = []
    for number, line in enumerate(csv.reader(io.StringIO(text), delimiter=separator), 1):
        fields = [one.strip() for one in line]
        if not any(fields) or (number == 1 and fields[0].lower() in ("date", "day")):
            continue
        try:
            day, amount_micros = _line(fields, today)
            if day in found:
                raise ValueError(_("%(day)s is there already") % {"day": day})
            found[day] = amount_micros
        except ValueError as error:
            problems.append(_("Line %(number)d: %(what)s.") % {"number": number, "what": error})
        if len(problems) >= MOST_PROBLEMS or len(found) > MOST_LINES:
            break
    if len(found) > MOST_LINES:
        problems.append(_("More than %(most)d days.") % {"most": MOST_LINES})
    if not found and not problems:
        problems.append(_("There is no line with a date and an amount."))
    if problems:
        raise BadBill(problems)
    return found


def _line(fields: list[str], today: datetime.date) -> tuple[datetime.date, int]:
    if len(fields) != 2:
        raise ValueError(_("a date and an amount are expected, such as 2026-11-28,12.50"))
    try:
        day = datetime.date.fromisoformat(fields[0])
    except ValueError:
        raise ValueError(
            _("%(text)s is no date; write it as 2026-11-28") % {"text": fields[0][:40]}
        ) from None
    if day > today:
        raise ValueError(_("%(day)s has not come yet") % {"day": day})
    try:
        amount = Decimal(fields[1].replace(",", ".")) * MICROS
        if not amount.is_finite() or amount != amount.to_integral_value() or not 0 <= amount <= MOST_MICROS:
            raise InvalidOperation
    except InvalidOperation:
        words = _("%(text)s is no amount; write it as 12.50, with six decimals at most")
        raise ValueError(words % {"text": fields[1][:40]}) from None
    return day, int(amount)


@transaction.atomic
def keep_bill(upstream: Upstream, days: dict[datetime.date, int]) -> None:
    """In place of what was known of these days; other days stay."""
    rows = [
        BilledDay(upstream=upstream, day=day, amount_micros=amount_micros)
        for day, amount_micros in sorted(days.items())
    ]
    BilledDay.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["upstream", "day"], update_fields=["amount_micros"]
    )


def today() -> datetime.date:
    return read_db_now().date()
