"""What the shop made, brought and cost, by day: sums that are counted once an hour and kept.

An order belongs to the hour (UTC) in which it ended. Its income is the value that its capture took from the wallet, its
cost that of all its attempts, both in millionths of the shop's currency: so the days add up to what ledger and attempts
say, to the last millionth. An attempt may outlive its order, and its cost be known later: such an hour is counted again
until nothing of it is open. What is counted live are the last hours alone, however long the past is.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, Q, Sum

from accounts.clock import read_db_now
from generations.models import Attempt, Generation, HourSum, Image, Status

HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
DAYS = 30
# A transaction that ended an order may still be on its way to its commit, some seconds after the time that it wrote.
COMMITTED_AFTER = datetime.timedelta(minutes=2)
# A worker that lost its order may still say what it cost.
FINAL_AFTER = 2 * HOUR
AGAIN_AFTER = datetime.timedelta(minutes=30)
LIVE_HOURS = 3
AT_ONCE = 200  # hours that one run counts

INCOME = """
SELECT COALESCE(-SUM(e.value_micros), 0) FROM generations_generation g
JOIN billing_ledgerentry e ON e.reference = 'generation:' || g.task_id AND e.kind = 'capture'
WHERE g.finished_at >= %s AND g.finished_at < %s
"""


@dataclass(frozen=True, slots=True)
class Sums:
    """Orders by live keys that ended, their images; millionths of the shop's currency."""

    succeeded: int = 0
    failed: int = 0
    canceled: int = 0
    images: int = 0
    income_micros: int = 0
    cost_micros: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) + getattr(other, name) for name in NAMES))

    @property
    def margin_micros(self) -> int:
        return self.income_micros - self.cost_micros

    @property
    def failure_percent(self) -> float | None:
        """Of those that succeeded or failed; canceled ones are neither."""
        ended = self.succeeded + self.failed
        return 100 * self.failed / ended if ended else None


NAMES = Sums.__slots__


@dataclass(frozen=True, slots=True)
class Days:
    """The sums of each of the last days, oldest first, today included. `missing`: hours that nobody has counted."""

    days: Sequence[tuple[datetime.date, Sums]]
    missing: int

    @property
    def today(self) -> Sums:
        return self.days[-1][1]

    @property
    def total(self) -> Sums:
        return sum((sums for _day, sums in self.days), Sums())


def last_days(count: int = DAYS) -> Days:
    """Reads a row for each hour, and the orders of the last LIVE_HOURS at most."""
    now = read_db_now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight - (count - 1) * DAY
    kept = {row.hour: Sums(*(getattr(row, name) for name in NAMES)) for row in _kept(start, now)}
    live_since = _hour_of(now) - (LIVE_HOURS - 1) * HOUR
    for hour in _hours(max(start, live_since), now):
        if hour not in kept:
            kept[hour] = count_between(hour, hour + HOUR)
    days = {start.date() + datetime.timedelta(days=number): Sums() for number in range(count)}
    for hour, sums in kept.items():
        days[hour.date()] += sums
    first = _first_hour()
    missing = 0 if first is None else sum(hour not in kept for hour in _hours(max(start, first), now))
    return Days(list(days.items()), missing)


def count_between(since: datetime.datetime, until: datetime.datetime) -> Sums:
    """Of the orders that ended from `since` on, before `until`; reads all of them."""
    ended = Generation.objects.filter(finished_at__gte=since, finished_at__lt=until)
    counts = ended.filter(livemode=True).aggregate(
        succeeded=Count("pk", filter=Q(status=Status.SUCCEEDED)),
        failed=Count("pk", filter=Q(status=Status.FAILED)),
        canceled=Count("pk", filter=Q(status=Status.CANCELED)),
    )
    images = Image.objects.filter(
        generation__finished_at__gte=since, generation__finished_at__lt=until, generation__livemode=True
    )
    attempts = Attempt.objects.filter(generation__finished_at__gte=since, generation__finished_at__lt=until)
    with connection.cursor() as cursor:
        moments = [connection.ops.adapt_datetimefield_value(moment) for moment in (since, until)]
        cursor.execute(INCOME, moments)
        [income_micros] = cursor.fetchone()
    return Sums(
        **counts,
        images=images.count(),
        income_micros=int(income_micros),
        cost_micros=attempts.aggregate(cost=Sum("cost_micros"))["cost"] or 0,
    )


def sum_up() -> int:
    """How many hours were counted, the newest first. May be called by several at once."""
    now = read_db_now()
    last = _hour_of(now - COMMITTED_AFTER) - HOUR  # the newest one that is over
    start = last - DAYS * DAY
    first = _first_hour()
    if first is None:
        return 0
    kept = {row.hour: row for row in HourSum.objects.filter(hour__gte=max(start, first))}
    due = [hour for hour in _hours(max(start, first), last + HOUR) if _is_due(kept.get(hour), now)]
    due += [row.hour for row in HourSum.objects.filter(is_final=False, hour__lt=start) if _is_due(row, now)]
    for hour in sorted(due, reverse=True)[:AT_ONCE]:
        _count(hour, now)
    return len(due[:AT_ONCE])


def _is_due(row: HourSum | None, now: datetime.datetime) -> bool:
    return row is None or (not row.is_final and row.counted_at < now - AGAIN_AFTER)


def _count(hour: datetime.datetime, now: datetime.datetime) -> None:
    # Asked first: what closes meanwhile is in the sums.
    is_final = now >= hour + HOUR + FINAL_AFTER and not _is_open(hour)
    sums = count_between(hour, hour + HOUR)
    values = {name: getattr(sums, name) for name in NAMES}
    HourSum.objects.update_or_create(
        hour=hour, defaults={**values, "is_final": is_final, "counted_at": read_db_now()}
    )


def _is_open(hour: datetime.datetime) -> bool:
    """Whether an attempt of these orders has no outcome yet."""
    open_ones = Attempt.objects.filter(upstream__isnull=False, outcome="")
    return open_ones.filter(
        generation__finished_at__gte=hour, generation__finished_at__lt=hour + HOUR
    ).exists()


def _kept(since: datetime.datetime, until: datetime.datetime) -> Iterable[HourSum]:
    return HourSum.objects.filter(hour__gte=since, hour__lt=until)


def _first_hour() -> datetime.datetime | None:
    """In which the first order ended."""
    ended = Generation.objects.filter(finished_at__isnull=False).order_by("finished_at")
    first = ended.values_list("finished_at", flat=True).first()
    return None if first is None else _hour_of(first)


def _hour_of(moment: datetime.datetime) -> datetime.datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _hours(since: datetime.datetime, until: datetime.datetime) -> Iterable[datetime.datetime]:
    hour = _hour_of(since)
    while hour < until:
        yield hour
        hour += HOUR
