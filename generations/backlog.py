"""Whether a new order can still be made before its deadline. Work that would only expire is not taken."""

import datetime
import math
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Min, Q, Sum

from accounts.clock import db_now, read_db_now
from accounts.glances import Glances
from generations.errors import Overloaded
from generations.models import Generation, Status, Upstream

# A queue that is shorter than this may just have missed a ring; it says nothing of the speed of the workers.
SATURATED_AFTER_S = 5.0
LONGEST_WINDOW_S = 60.0
# The rest of the deadline is for making the image, and for the estimate's error.
USABLE_DEADLINE = 0.8
STUCK_DEADLINE = 0.5
STUCK_RETRY_S = 30
LONGEST_RETRY_S = 3600


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
        if self.oldest_s < min(SATURATED_AFTER_S, settings.DEADLINE_S / 4) or too_long_s <= 0:
            return None
        return max(1, min(LONGEST_RETRY_S, math.ceil(too_long_s)))


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


def measure() -> Backlog:
    queued = (
        Generation.objects.unended()
        .filter(status=Status.QUEUED)
        .aggregate(waiting=Count("pk"), oldest=Min("created_at", filter=Q(claim=0)))
    )
    if queued["oldest"] is None:
        return Backlog(queued["waiting"], 0.0, 0.0)
    oldest_s = _age_s(queued["oldest"])
    # As long as something waited the workers had work, so what they ended meanwhile is what they can do.
    window_s = max(1.0, min(oldest_s, LONGEST_WINDOW_S))
    since = db_now() - datetime.timedelta(seconds=window_s)
    ended = Generation.objects.filter(finished_at__gt=since, started_at__isnull=False).count()
    working = Upstream.objects.filter(enabled=True, state__open_until=None)
    places = working.aggregate(places=Sum("concurrency"))["places"]
    return Backlog(queued["waiting"], oldest_s, ended / window_s, places or 0)


_seen: Glances[None, Backlog] = Glances(lambda _: measure())
forget = _seen.forget


def refuse_if_overloaded() -> None:
    """Raises Overloaded."""
    retry_after_s = _seen(None).retry_after_s
    if retry_after_s is not None:
        raise Overloaded(retry_after=retry_after_s)
