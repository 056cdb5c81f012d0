"""Who makes an image: which upstream is next for an order, or that none will.

By priority, then by chance according to weight, among those that are enabled and can make this size, whose circuit is
closed and who have a place. Whether that is still so is decided when the place is taken (circuit.py).
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.access import Access
from accounts.clock import read_db_now
from accounts.errors import InvalidField
from accounts.glances import Shared
from accounts.sealing import is_readable
from accounts.statements import Select
from generations import gpu_workers, hops
from generations.circuit import REFUSED
from generations.engine import tokens
from generations.errors import UpstreamMissing
from generations.models import Attempt, Generation, Upstream
from generations.providers import PROVIDERS, UPSTREAMS
from generations.providers.base import REFUSES_US, OutcomeKind, Provider
from generations.request import SIZES, ImageRequest

SANDBOX = "sandbox"
BUSY_TRIES = 2  # at one upstream, before others are preferred
FAILED_TRIES = 2  # the first one, and one fail-over
BUSY_WAIT_S = (2, 4, 8, 16, 30)
PARK_S = 15  # for a place: whoever leaves one calls the next, this only makes up for a lost call
MISSING_RETRY_S = 60
_BUSY = {OutcomeKind.BUSY, OutcomeKind.LIMITED}
History = Sequence[tuple[int | None, str]]


@dataclass(frozen=True, slots=True)
class InProcess:
    provider: Provider


@dataclass(frozen=True, slots=True)
class Try:
    """In this order; the first `after_s` from now."""

    upstreams: list[Upstream]
    after_s: float = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody can make it, but not now."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class Nobody:
    """Nobody will make it. `error_type`: what that is to the customer."""

    error_type: str


Route = InProcess | Try | Wait | Nobody


# --- For one order ------------------------------------------------------------------------------


def route(generation: Generation, history: History | None = None) -> Route:
    """Where it goes next. `history`: (upstream, outcome) of all its attempts; read when None.

    An attempt without an outcome is driven again where it is.
    """
    if not generation.livemode:
        return InProcess(PROVIDERS[SANDBOX])
    listed: list[Upstream] = _enabled_for(organization_id=generation.organization_id)
    if history is None:
        history = past(generation) if generation.claim else []
    if not listed and settings.DEMO and not any(upstream_id for upstream_id, _outcome in history):
        return InProcess(PROVIDERS[SANDBOX])
    unknown = [upstream_id for upstream_id, outcome in history if not outcome and upstream_id]
    if unknown:
        # Also when it was switched off meanwhile: nothing new is begun there.
        return Try(list(Upstream.objects.filter(pk__in=unknown).select_related("state")))
    able = [upstream for upstream in listed if makes(upstream, generation)]
    if hops.hops_of(generation) >= hops.MOST:
        able = [upstream for upstream in able if gpu_workers.is_in_house(upstream)]
    fitting = fitting_for(able, generation.prompt)
    if able and not fitting:
        return Nobody("invalid_request")
    return choose(fitting, history, gpu_workers.standing(fitting, generation))


def past(generation: Generation) -> list[tuple[int | None, str]]:
    return list(
        Attempt.objects.filter(generation=generation).order_by("number").values_list("upstream_id", "outcome")
    )


def choose(
    able: Sequence[Upstream], history: History, own: gpu_workers.Standing = gpu_workers.NOTHING_OWN
) -> Route:
    """Among upstreams that can make it; `own`: how those on own GPUs stand."""
    outcomes = [outcome for _upstream_id, outcome in history]
    failed = outcomes.count(OutcomeKind.FAILED)
    refused = {
        upstream_id for upstream_id, outcome in history if outcome in (OutcomeKind.FAILED, *REFUSES_US)
    }
    # Who has brought an image since is not busy any more.
    fresh = max(
        (number for number, outcome in enumerate(outcomes, 1) if outcome == OutcomeKind.OK), default=0
    )
    busy = [upstream_id for upstream_id, outcome in history[fresh:] if outcome in _BUSY]
    left = [upstream for upstream in able if upstream.pk not in refused]
    if not left or failed >= FAILED_TRIES:
        return Nobody("generation_failed" if failed else "upstream_unavailable")
    opens_in, full_s = _seconds_until_open(left), _seconds_full(left)
    if all(opens_in.get(upstream.pk, 0) > 0 and upstream.state.reason in REFUSED for upstream in left):
        return Nobody("generation_failed" if failed else "upstream_unavailable")
    ready = [
        upstream
        for upstream in left
        if opens_in.get(upstream.pk, 0) <= 0
        and upstream.pk not in full_s
        and upstream.state.in_flight < upstream.concurrency
        and upstream.pk not in own.away
    ]
    if not ready:
        # A closed one will have a place again; whoever leaves it calls.
        full = any(upstream.pk not in opens_in and upstream.pk not in full_s for upstream in left)
        return Wait(PARK_S if full else max(1.0, min([*opens_in.values(), *full_s.values()])))
    # By chance, but the weightier the sooner: the usual way to draw all of them by weight.
    drawn = sorted(ready, key=lambda one: random.random() ** (1 / one.weight), reverse=True)  # noqa: S311 - no secret
    order = sorted(
        drawn, key=lambda one: (busy.count(one.pk) >= BUSY_TRIES, one.pk in own.late, one.priority)
    )
    again = busy.count(order[0].pk)
    return Try(order, BUSY_WAIT_S[min(len(busy), len(BUSY_WAIT_S)) - 1] if again else 0)


def _seconds_until_open(upstreams: Sequence[Upstream]) -> dict[int, float]:
    """Of those whose circuit is not closed, by id; below zero: it waits for its probe."""
    until = {one.pk: one.state.open_until for one in upstreams if one.state.open_until is not None}
    if not until:
        return {}
    now = read_db_now()
    return {pk: (open_until - now).total_seconds() for pk, open_until in until.items()}


def _seconds_full(upstreams: Sequence[Upstream]) -> dict[int, float]:
    """Of those that have asked to be left alone for a while, by id; above zero."""
    until = {one.pk: one.state.full_until for one in upstreams if one.state.full_until is not None}
    if not until:
        return {}
    now = read_db_now()
    left = {pk: (full_until - now).total_seconds() for pk, full_until in until.items()}
    return {pk: seconds for pk, seconds in left.items() if seconds > 0}


def makes(upstream: Upstream, generation: Generation) -> bool:
    return can_make(upstream, generation.model.slug, generation.width, generation.height)


def fitting_for(able: Sequence[Upstream], prompt: str) -> list[Upstream]:
    """Without those that would read only the beginning of the prompt."""
    own = [upstream for upstream in able if gpu_workers.is_in_house(upstream)]
    if own and tokens.is_too_long(prompt):
        return [upstream for upstream in able if upstream not in own]
    return list(able)


def with_places(shop_id: int) -> list[tuple[Upstream, int]]:
    """Upstreams of a shop that would take orders now, and how many."""
    listed = list(Upstream.objects.filter(enabled=True, shop_id=shop_id).select_related("state"))
    opens_in, full_s = _seconds_until_open(listed), _seconds_full(listed)
    found = []
    for upstream in listed:
        free = 0 if upstream.pk in full_s else upstream.concurrency - upstream.state.in_flight
        if upstream.pk in opens_in:
            free = min(free, 1) if opens_in[upstream.pk] <= 0 else 0  # one probes
        if free > 0:
            found.append((upstream, free))
    return found


def can_make(upstream: Upstream, model: str, width: int, height: int) -> bool:
    """`model`: our slug. However many images: what it makes too few of in one go takes several attempts."""
    adapter = UPSTREAMS.get(upstream.provider)
    return (
        adapter is not None
        and model in upstream.model_names
        and upstream.makes(width, height)
        and is_readable(upstream.sealed_credential)
    )


_enabled_for = Select(
    lambda organization_id: Upstream.objects.filter(
        enabled=True, shop__organizations=organization_id
    ).select_related("state")
)


# --- For a new order ----------------------------------------------------------------------------


def refuse_if_closed(access: Access, request: ImageRequest, model: str) -> None:
    """Raises UpstreamMissing when no upstream takes live orders now, InvalidField when none can make this size.

    Looks at the database at most once a second and process.
    """
    if not access.livemode:
        return
    listed = _enabled_of(access.organization.shop_id)
    if not listed and settings.DEMO:
        return
    able = [upstream for upstream in listed if can_make(upstream, model, request.width, request.height)]
    if listed and not able and any(can_make(upstream, model, 1024, 1024) for upstream in listed):
        raise InvalidField(_("This size cannot be made here at the moment"), param="size")
    fitting = fitting_for(able, request.prompt)
    if able and not fitting:
        raise InvalidField(
            _("The prompt is too long: at most %(most)d tokens, which is about 350 words")
            % {"most": tokens.MAX_TOKENS},
            param="prompt",
        )
    if not gpu_workers.fleet_lives_for(fitting):
        fitting = [upstream for upstream in fitting if not gpu_workers.is_in_house(upstream)]
    if isinstance(choose(fitting, []), Nobody):
        raise UpstreamMissing(retry_after=MISSING_RETRY_S)


def offer(access: Access, model: str) -> list[tuple[int, int]]:
    """The usual sizes of `model` that can be made for this customer.

    All of them while no upstream is set up: orders are then refused for that.
    """
    listed = _enabled_of(access.organization.shop_id) if access.livemode else []
    if not listed:
        return list(SIZES)
    return [size for size in SIZES if any(can_make(upstream, model, *size) for upstream in listed)]


def serves_live_keys() -> bool:
    return settings.DEMO or Upstream.objects.filter(enabled=True).exists()


def _look(shop_ids: Sequence[int]) -> Mapping[int, list[Upstream]]:
    found: dict[int, list[Upstream]] = {shop_id: [] for shop_id in shop_ids}
    for upstream in Upstream.objects.filter(enabled=True, shop_id__in=shop_ids).select_related("state"):
        found[upstream.shop_id].append(upstream)
    return found


_enabled_of = Shared(_look)
forget = _enabled_of.forget
