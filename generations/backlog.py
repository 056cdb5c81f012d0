"""Whether a new order can still be made before its deadline. Work that would only expire is not taken.

A shop's live orders, and those of its test keys, stand in a line each: who waits for somebody else's upstream keeps
nobody from ordering here.
"""

import datetime
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet, Sum
from django.db.models.functions import Abs

from accounts.access import Access
from accounts.clock import db_now, read_db_now
from accounts.glances import Kept
from accounts.models import Organization
from generations.errors import Overloaded
from generations.models import Generation, Status, Upstream

# A queue that is shorter than this may just have missed a ring; it says nothing of the speed of the workers.
SATURATED_AFTER_S = 5.0
# Within the longest of these that has passed since the oldest order came it is counted what was ended.
WINDOWS_S = (1, 2, 5, 10, 20, 40, 60)
# The rest of the deadline is for making the image, and for the estimate's error.
USABLE_DEADLINE = 0.8
STUCK_DEADLINE = 0.5
STUCK_RETRY_S = 30
LONGEST_RETRY_S = 3600

Line = tuple[int, bool]  # a shop's orders, and whether the live ones


@dataclass(frozen=True, slots=True)
class Backlog:
    """`oldest_s`: how long the oldest order that nobody took up has waited; `per_second`: orders ended lately;
    `places`: how many upstreams work on at once, 0 when the workers' own threads make the images.
    """

    waiting: int
    oldest_s: float
    per_second: float
    places: int = 0

    @property
    def wait_s(self) -> float:
        """How long a new order would wait, by what was measured. Before a call's length has passed that may be
        nothing yet: then every worker thread is taken to need as long as a call may.
        """
        if self.per_second and self.oldest_s >= settings.CALL_TOTAL_S:
            return self.waiting / self.per_second
        at_once = self.places or settings.WORKER_PROCESSES * settings.WORKER_CONCURRENCY
        slowest = at_once / settings.CALL_TOTAL_S
        return self.waiting / max(self.per_second, slowest)

    @property
    def retry_after_s(self) -> int | None:
        """None while new orders can be made in time, else when it is worth asking again."""
        too_long_s = self.wait_s - settings.DEADLINE_S * USABLE_DEADLINE
        if self.oldest_s > settings.DEADLINE_S * STUCK_DEADLINE:
            # When workers that stand still go on again, nobody knows; when they are slow, that was measured.
            known_s = too_long_s if self.per_second else 0
            return max(STUCK_RETRY_S, min(LONGEST_RETRY_S, math.ceil(known_s)))
        if self.oldest_s < _saturated_after_s() or too_long_s <= 0:
            return None
        return max(1, min(LONGEST_RETRY_S, math.ceil(too_long_s)))


def _saturated_after_s() -> float:
    return float(min(SATURATED_AFTER_S, settings.DEADLINE_S / 4))


NOBODY_WAITS = Backlog(0, 0.0, 0.0)


def oldest_s() -> float:
    """The age of the oldest order in the queue, 0 when there is none."""
    queued = Generation.objects.unended().filter(status=Status.QUEUED).aggregate(oldest=Min("created_at"))
    return _age_s(queued["oldest"])


def queued(shop_id: int | None = None) -> tuple[int, float]:
    """How many orders of a shop, or of all, wait in the queue, and for how long the oldest has, in seconds."""
    waiting = Generation.objects.unended().filter(status=Status.QUEUED)
    if shop_id is not None:
        waiting = waiting.filter(organization__shop=shop_id)
    found = waiting.aggregate(count=Count("pk"), oldest=Min("created_at"))
    return found["count"], _age_s(found["oldest"])


def _age_s(since: datetime.datetime | None) -> float:
    return 0.0 if since is None else (read_db_now() - since).total_seconds()


def measure() -> Mapping[Line, Backlog]:
    """Of each line in which somebody waits."""
    waiting: Counter[Line] = Counter()
    oldest: dict[Line, datetime.datetime] = {}
    queued = _by_customer(Generation.objects.unended().filter(status=Status.QUEUED))
    rows = list(queued.annotate(Count("pk"), oldest=Min("created_at", filter=Q(claim=0))))
    shops = _shops_of(rows)
    for organization, livemode, count, since in rows:
        line = shops[organization], livemode
        waiting[line] += count
        if since is not None:
            oldest[line] = min(since, oldest.get(line, since))
    now = read_db_now()
    waits = {line: (now - since).total_seconds() for line, since in oldest.items()}
    standing = {line: oldest_s for line, oldest_s in waits.items() if oldest_s >= _saturated_after_s()}
    speeds, places = _speeds_of(standing), _places_for(standing)
    return {
        line: Backlog(count, waits.get(line, 0.0), speeds.get(line, 0.0), places.get(line, 0))
        for line, count in waiting.items()
    }


def _by_customer(rows: "QuerySet[Generation]") -> "QuerySet[Any, Any]":
    # By an expression, and with their shops looked up afterwards: joined with the organizations, or grouped by their
    # index, a database may begin with those, and read all orders of each.
    return rows.order_by().annotate(whose=Abs("organization")).values_list("whose", "livemode")


def _shops_of(rows: Iterable[Any]) -> dict[int, int]:
    some = Organization.objects.filter(pk__in={organization for organization, *_ in rows})
    return dict(some.values_list("pk", "shop_id"))


def _speeds_of(standing: Mapping[Line, float]) -> Mapping[Line, float]:
    """Orders that each of these lines ended a second; `standing`: since when its oldest waits, in seconds."""
    if not standing:
        return {}
    # As long as something waited the workers had work, so what they ended meanwhile is what they can do.
    windows = {
        line: max([window for window in WINDOWS_S if window <= oldest_s], default=WINDOWS_S[0])
        for line, oldest_s in standing.items()
    }
    within = {
        window: Q(finished_at__gt=db_now() - datetime.timedelta(seconds=window)) for window in WINDOWS_S
    }
    ended = Generation.objects.filter(within[max(windows.values())], started_at__isnull=False)
    counts = {f"within_{window}": Count("pk", filter=is_within) for window, is_within in within.items()}
    rows = list(_by_customer(ended).annotate(**counts))
    shops = _shops_of(rows)
    found: Counter[Line] = Counter()
    for organization, livemode, *numbers in rows:
        line = shops[organization], livemode
        if line in windows:
            found[line] += numbers[WINDOWS_S.index(windows[line])]
    return {line: found[line] / window for line, window in windows.items()}


def _places_for(standing: Mapping[Line, float]) -> Mapping[Line, int]:
    """At their upstreams, which orders of test keys never touch."""
    if not any(livemode for _shop, livemode in standing):
        return {}
    working = Upstream.objects.filter(enabled=True, state__open_until=None).order_by()
    return {(shop, True): places for shop, places in working.values_list("shop").annotate(Sum("concurrency"))}


_seen: Kept[Mapping[Line, Backlog]] = Kept(lambda _before: measure())
forget = _seen.forget


def refuse_if_overloaded(access: Access) -> None:
    """Raises Overloaded."""
    line = access.organization.shop_id, access.livemode
    retry_after_s = _seen().get(line, NOBODY_WAITS).retry_after_s
    if retry_after_s is not None:
        raise Overloaded(retry_after=retry_after_s)
