"""What each shop made, brought and cost, by day: sums that are counted once an hour and kept.

An order belongs to the hour (UTC) in which it ended. Its income is the value that its capture took from the wallet, its
cost that of all its attempts, both in millionths of the shop's currency: so the days add up to what ledger and attempts
say, to the last millionth. An attempt may outlive its order, and its cost be known later: such an hour is counted again
until nothing of it is open. What is counted live are the last hours alone, however long the past is.

Sums of several shops are added up only where their currency is one.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q, Sum
from django.db.models.functions import Abs

from accounts.clock import read_db_now
from accounts.models import Organization, Shop
from accounts.shops import first_id
from generations.models import Attempt, CountedHour, Generation, HourSum, Image, Status

HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
DAYS = 30
# A transaction that ended an order may still be on its way to its commit, some seconds after the time that it wrote.
COMMITTED_AFTER = datetime.timedelta(minutes=2)
# A worker that lost its order may still say what it cost.
FINAL_AFTER = 2 * HOUR
AGAIN_AFTER = datetime.timedelta(minutes=30)
LIVE_HOURS = 3
AT_ONCE = 200  # hours that one run counts
PORTION = 500

# By organization, whose shops are looked up afterwards: joined with them, a database may begin with the organizations,
# and read all orders of each. By an expression, so that it does not walk an index of theirs to have them in groups.
INCOME = """
SELECT ABS(g.organization_id), -SUM(e.value_micros) FROM generations_generation g
JOIN billing_ledgerentry e ON e.reference = 'generation:' || g.task_id AND e.kind = 'capture'
WHERE g.finished_at >= %s AND g.finished_at < %s
GROUP BY ABS(g.organization_id)
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


def last_days(shop_id: int | None = None, count: int = DAYS) -> Mapping[str, Days]:
    """By currency, of one shop or of all. Reads a row for each hour and shop, and the orders of the last LIVE_HOURS at
    most.
    """
    now = read_db_now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight - (count - 1) * DAY
    counted = set(_between(CountedHour, start, now).values_list("hour", flat=True))
    # What somebody counts from here on is counted live below.
    found = [row for row in _kept(start, now, shop_id) if row[0] in counted]
    live_since = _hour_of(now) - (LIVE_HOURS - 1) * HOUR
    for hour in _hours(max(start, live_since), now):
        if hour not in counted:
            counted.add(hour)
            found += _live(hour, shop_id)
    first = _first_hour()
    missing = 0 if first is None else sum(hour not in counted for hour in _hours(max(start, first), now))
    dates = [start.date() + datetime.timedelta(days=number) for number in range(count)]
    currencies = list(dict.fromkeys(currency for _hour, currency, _sums in found)) or [_usual(shop_id)]
    days = {currency: dict.fromkeys(dates, Sums()) for currency in sorted(currencies)}
    for hour, currency, sums in found:
        days[currency][hour.date()] += sums
    return {currency: Days(list(by_day.items()), missing) for currency, by_day in days.items()}


def _usual(shop_id: int | None) -> str:
    return str(Shop.objects.values_list("currency", flat=True).get(pk=shop_id or first_id()))


def _live(hour: datetime.datetime, shop_id: int | None) -> Iterable[tuple[datetime.datetime, str, Sums]]:
    sums = count_between(hour, hour + HOUR)
    wanted = sums.keys() if shop_id is None else sums.keys() & {shop_id}
    for currency, pk in Shop.objects.filter(pk__in=wanted).values_list("currency", "pk"):
        yield hour, currency, sums[pk]


def count_between(since: datetime.datetime, until: datetime.datetime) -> Mapping[int, Sums]:
    """By shop, of the orders that ended from `since` on, before `until`; reads all of them."""
    ended = Generation.objects.filter(finished_at__gte=since, finished_at__lt=until).order_by()
    by_organization: defaultdict[int, Sums] = defaultdict(Sums)
    counts = ended.filter(livemode=True).annotate(whose=Abs("organization")).values_list("whose")
    for organization, succeeded, failed, canceled in counts.annotate(
        succeeded=Count("pk", filter=Q(status=Status.SUCCEEDED)),
        failed=Count("pk", filter=Q(status=Status.FAILED)),
        canceled=Count("pk", filter=Q(status=Status.CANCELED)),
    ):
        by_organization[organization] += Sums(succeeded, failed, canceled)
    of_ended = {"generation__finished_at__gte": since, "generation__finished_at__lt": until}
    images = Image.objects.filter(**of_ended, generation__livemode=True).order_by()
    images = images.annotate(whose=Abs("generation__organization"))
    for organization, number in images.values_list("whose").annotate(Count("pk")):
        by_organization[organization] += Sums(images=number)
    attempts = Attempt.objects.filter(**of_ended).order_by()
    attempts = attempts.annotate(whose=Abs("generation__organization"))
    for organization, cost in attempts.values_list("whose").annotate(Sum("cost_micros")):
        by_organization[organization] += Sums(cost_micros=cost)
    with connection.cursor() as cursor:
        moments = [connection.ops.adapt_datetimefield_value(moment) for moment in (since, until)]
        cursor.execute(INCOME, moments)
        for organization, income in cursor.fetchall():
            by_organization[organization] += Sums(income_micros=int(income))
    return _by_shop(by_organization)


def _by_shop(by_organization: Mapping[int, Sums]) -> Mapping[int, Sums]:
    found: defaultdict[int, Sums] = defaultdict(Sums)
    ids = sorted(by_organization)
    for start in range(0, len(ids), PORTION):
        some = Organization.objects.filter(pk__in=ids[start : start + PORTION])
        for organization, shop in some.values_list("pk", "shop"):
            found[shop] += by_organization[organization]
    return found


def sum_up() -> int:
    """How many hours were counted, the newest first. May be called by several at once."""
    now = read_db_now()
    last = _hour_of(now - COMMITTED_AFTER) - HOUR  # the newest one that is over
    start = last - DAYS * DAY
    first = _first_hour()
    if first is None:
        return 0
    counted = {row.hour: row for row in CountedHour.objects.filter(hour__gte=max(start, first))}
    due = [hour for hour in _hours(max(start, first), last + HOUR) if _is_due(counted.get(hour), now)]
    old = CountedHour.objects.filter(is_final=False, hour__lt=start)
    due += [row.hour for row in old if _is_due(row, now)]
    for hour in sorted(due, reverse=True)[:AT_ONCE]:
        _count(hour, now)
    return len(due[:AT_ONCE])


def _is_due(row: CountedHour | None, now: datetime.datetime) -> bool:
    return row is None or (not row.is_final and row.counted_at < now - AGAIN_AFTER)


def _count(hour: datetime.datetime, now: datetime.datetime) -> None:
    # Asked first: what closes meanwhile is in the sums.
    is_final = now >= hour + HOUR + FINAL_AFTER and not _is_open(hour)
    found = count_between(hour, hour + HOUR)
    rows = [
        HourSum(hour=hour, shop_id=shop, **{name: getattr(sums, name) for name in NAMES})
        for shop, sums in sorted(found.items())
    ]
    with transaction.atomic():
        HourSum.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["hour", "shop"], update_fields=NAMES
        )
        CountedHour.objects.update_or_create(
            hour=hour, defaults={"is_final": is_final, "counted_at": read_db_now()}
        )


def _is_open(hour: datetime.datetime) -> bool:
    """Whether an attempt of these orders has no outcome yet."""
    open_ones = Attempt.objects.filter(upstream__isnull=False, outcome="")
    return open_ones.filter(
        generation__finished_at__gte=hour, generation__finished_at__lt=hour + HOUR
    ).exists()


def _kept(
    since: datetime.datetime, until: datetime.datetime, shop_id: int | None
) -> Iterable[tuple[datetime.datetime, str, Sums]]:
    """By hour and currency, added up by the database."""
    rows = _between(HourSum, since, until)
    if shop_id is not None:
        rows = rows.filter(shop=shop_id)
    added = rows.values_list("hour", "shop__currency").annotate(*(Sum(name) for name in NAMES))
    for hour, currency, *sums in added:
        yield hour, currency, Sums(*sums)


def _between(model: Any, since: datetime.datetime, until: datetime.datetime) -> Any:
    return model.objects.filter(hour__gte=since, hour__lt=until).order_by()


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
