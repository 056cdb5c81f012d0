"""Which workers with a GPU there are, and how long an order would wait for one: what the router wants to know."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import ExpressionWrapper, F, FloatField, Sum

from accounts.clock import db_now
from accounts.glances import Glances
from generations.models import Generation, GpuWorker, Status, Upstream
from generations.providers import UPSTREAMS

AWAY_S = 30  # one that says nothing for so long is taken for dead
USUAL_MEGAPIXELS = 1.0  # of an order that a worker has in hand
USUAL_SECONDS = 2.0  # for one of them, until it was measured
LOOKED_AT = 2000


@dataclass(frozen=True, slots=True)
class Fleet:
    """`known`: workers that live, also those that are still loading; `ready`: that take orders."""

    known: int = 0
    ready: int = 0
    seconds_per_megapixel: float = USUAL_SECONDS

    def wait_s(self, megapixels: float) -> float:
        """For so much work that is ahead."""
        return megapixels * self.seconds_per_megapixel / max(1, self.ready)


@dataclass(frozen=True, slots=True)
class Standing:
    """Ids of upstreams on own GPUs: `away` take nothing now, `late` would take it after too long a wait."""

    away: frozenset[int] = frozenset()
    late: frozenset[int] = frozenset()


NOTHING_OWN = Standing()


def look() -> Fleet:
    alive = GpuWorker.objects.filter(seen_at__gt=db_now() - datetime.timedelta(seconds=AWAY_S))
    rows = list(alive.values_list("ready", "seconds_per_megapixel"))
    measured = [seconds for ready, seconds in rows if ready and seconds is not None]
    return Fleet(
        known=len(rows),
        ready=sum(ready for ready, _seconds in rows),
        seconds_per_megapixel=sum(measured) / len(measured) if measured else USUAL_SECONDS,
    )


_fleet: Glances[None, Fleet] = Glances(lambda _: look())
forget = _fleet.forget


def fleet() -> Fleet:
    """Looks at the database at most once a second and process."""
    return _fleet(None)


def is_in_house(upstream: Upstream) -> bool:
    adapter = UPSTREAMS.get(upstream.provider)
    return adapter is not None and adapter.in_house


def fleet_lives_for(upstreams: Sequence[Upstream]) -> bool:
    """Whether those of them that are on own GPUs have a worker, be it one that still loads; True without such."""
    return not any(is_in_house(upstream) for upstream in upstreams) or fleet().known > 0


def standing(upstreams: Sequence[Upstream], generation: Generation | None = None) -> Standing:
    """Asks the database for nothing where no upstream is in house. `generation` None: one that comes now."""
    own = [upstream for upstream in upstreams if is_in_house(upstream)]
    if not own:
        return NOTHING_OWN
    ids = frozenset(upstream.pk for upstream in own)
    found = fleet()
    if not found.ready:
        return Standing(away=ids)
    if generation is None or len(own) == len(upstreams):  # nobody else would take it
        return NOTHING_OWN
    ahead = queued_before(generation) + USUAL_MEGAPIXELS * max(upstream.state.in_flight for upstream in own)
    return Standing(late=ids if found.wait_s(ahead) > settings.GPU_MAX_WAIT_S else frozenset())


def queued_before(generation: Generation) -> float:
    """Megapixels of the orders that came before and wait, whoever will make them: few can be made by others alone."""
    # By their deadlines, which their index has, and which are as far away for everybody.
    ahead = Generation.objects.unended().filter(
        status=Status.QUEUED, livemode=True, deadline_at__lt=generation.deadline_at
    )
    pixels = ExpressionWrapper(F("width") * 1.0 * F("height") * F("n"), output_field=FloatField())
    found = ahead.annotate(pixels=pixels).order_by("deadline_at")[:LOOKED_AT].aggregate(total=Sum("pixels"))
    return float(found["total"] or 0) / 1e6


def megapixels_in_time() -> float:
    """How much work may be ahead of an order that still waits for an own GPU although others could take it."""
    found = fleet()
    return settings.GPU_MAX_WAIT_S * found.ready / found.seconds_per_megapixel if found.ready else 0.0
