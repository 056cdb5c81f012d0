"""What all workers know of an upstream together: its places and its circuit, in one row that each change locks.

The circuit opens at once when the upstream refuses us (our account, or for want of funds), and after several failures
in a row. Open, it takes no orders; when its time is over, one order probes it, and its end decides. One that takes no
more of ours for now (429) is left alone for as long as it asked, and that is no failure. Called inside the transaction
that begins or ends an attempt, after the generation is locked and before its wallet (docs/architecture.md, Locks).
"""

import datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from accounts.clock import db_now
from accounts.mail import alerts
from accounts.models import AlertKind
from generations import wholesale
from generations.models import Attempt, Upstream, UpstreamState
from generations.providers import UPSTREAMS
from generations.providers.base import REFUSES_US, OutcomeKind

FAILURES_BEFORE_OPENING = 5
LIMITED_S = 2.0  # where it does not say for how long
PROBE_S = 120  # for a probe that never ends, since its worker died
# Why it is open; the latter two wait for the operator.
FAILING, ACCOUNT, FUNDS = "failing", "account", "funds"
REFUSED = frozenset({ACCOUNT, FUNDS})
# The first pause, and the longest: each probe that fails doubles it.
FAILING_S, REFUSED_S = (10, 300), (60, 900)
_WORKS = {OutcomeKind.OK, OutcomeKind.REJECTED}
_FAILS = {OutcomeKind.BUSY, OutcomeKind.FAILED, OutcomeKind.TIMEOUT}
CLOSED = {
    "failures": 0,
    "openings": 0,
    "opened_at": None,
    "open_until": None,
    "probe_until": None,
    "reason": "",
    "detail": "",
}


def take_place(upstream: Upstream) -> bool:
    """One of its `concurrency` places, through a closed circuit or as its only probe; False when there is none."""
    has_room = Q(full_until=None) | Q(full_until__lte=db_now())
    states = UpstreamState.objects.filter(has_room, upstream=upstream, in_flight__lt=upstream.concurrency)
    if states.filter(open_until=None).update(in_flight=F("in_flight") + 1):
        return True
    due = states.filter(open_until__lte=db_now()).filter(Q(probe_until=None) | Q(probe_until__lte=db_now()))
    probe_until = db_now() + datetime.timedelta(seconds=PROBE_S)
    return bool(due.update(in_flight=F("in_flight") + 1, probe_until=probe_until))


def leave_place(attempt: Attempt, kind: str, detail: str) -> None:
    """Of an attempt whose outcome has just become known. Words beyond OutcomeKind say nothing of the upstream."""
    state = UpstreamState.objects.filter(pk=attempt.upstream_id)
    state.update(in_flight=F("in_flight") - 1)  # locks the row for what is decided next
    if kind in _WORKS:
        # What was begun before the circuit opened says nothing of why it did.
        closes = Q(opened_at__lt=attempt.submitted_at) | Q(opened_at=None, failures__gt=0)
        state.filter(closes).update(**CLOSED)
    elif kind in _FAILS or kind in REFUSES_US:
        _fail(state.get(), kind, detail, begun_at=attempt.submitted_at)
    else:
        # A probe that said nothing makes room for another.
        state.filter(opened_at__lt=attempt.submitted_at).update(probe_until=None)


def report(upstream_id: int, kind: OutcomeKind, detail: str, *, attempt: Attempt | None = None) -> None:
    """BUSY, ACCOUNT or FUNDS that ends no attempt: of a question about an order, or of `attempt`, whose answer was
    lost.
    """
    with transaction.atomic():
        state = UpstreamState.objects.select_for_update().filter(pk=upstream_id).first()
        if state is not None:
            _fail(state, kind, detail, begun_at=attempt.submitted_at if attempt else None)


def hold_off(upstream_id: int, pause_s: float | None) -> None:
    """It takes no more of ours for so many seconds. Those that it has are asked about as before."""
    until = db_now() + datetime.timedelta(seconds=pause_s or LIMITED_S)
    later = Q(full_until=None) | Q(full_until__lt=until)
    UpstreamState.objects.filter(later, pk=upstream_id).update(full_until=until)


def close(upstream_id: int) -> bool:
    """By the operator, who has mended what was wrong; False when it was closed."""
    return bool(UpstreamState.objects.filter(pk=upstream_id, opened_at__isnull=False).update(**CLOSED))


def _fail(state: UpstreamState, kind: str, detail: str, *, begun_at: datetime.datetime | None) -> None:
    """`begun_at` None: it is no order, so it is no probe."""
    reason = str(kind) if kind in REFUSES_US else FAILING
    refuses = reason in REFUSED
    state.failures += 1
    is_probe = state.opened_at is not None and begun_at is not None and begun_at > state.opened_at
    opens = state.opened_at is None and (refuses or state.failures >= FAILURES_BEFORE_OPENING)
    worsens = refuses and state.reason == FAILING
    # What was wrong is mended, and something else is: told by a probe alone, whose pauses go on growing.
    differs = is_probe and refuses and state.reason in REFUSED and state.reason != reason
    changes: dict[str, object] = {"failures": state.failures}
    if opens or worsens or is_probe:
        openings = 1 if opens or worsens else state.openings + 1
        first_s, longest_s = REFUSED_S if REFUSED & {reason, state.reason} else FAILING_S
        pause_s = min(longest_s, first_s * 2 ** min(openings - 1, 16))
        changes |= {
            "openings": openings,
            "open_until": db_now() + datetime.timedelta(seconds=pause_s),
            "probe_until": None,
        }
        if refuses or state.reason not in REFUSED:
            # Else why it refuses us stays: wholesale.served_again() reads it.
            changes["detail"] = detail[:500]
        if opens or worsens:
            changes |= {"opened_at": db_now(), "reason": reason}
        if differs:
            changes["reason"] = reason
        if refuses and (opens or worsens or differs):
            _tell(state.upstream, reason, detail)
    UpstreamState.objects.filter(pk=state.pk).update(**changes)


def top_up_at(provider: str, base_url: str) -> str:
    """Where an operator pays for more credit with it."""
    adapter = UPSTREAMS.get(provider)
    return adapter.top_up_at(base_url) if adapter else base_url


def _tell(upstream: Upstream, reason: str, detail: str) -> None:
    """Once for each opening: in the transaction that opens it."""
    advice = wholesale.advice_for(upstream.pk)
    if advice:
        alerts.raise_alert(
            upstream.shop_id,
            AlertKind.ACCOUNT,
            _("%(upstream)s takes no more orders of this shop") % {"upstream": upstream.name},
            _(
                "%(advice)s\n\nIt goes on by itself within seconds once that is done. Until then customers are served"
                " by other upstreams if there are any, else their orders fail and cost them nothing."
            )
            % {"advice": advice},
        )
        return
    facts = {
        "upstream": upstream.name,
        "detail": detail or _("nothing more"),
        "where": top_up_at(upstream.provider, upstream.base_url),
    }
    if reason == FUNDS:
        subject = _("Our balance with %(upstream)s is used up")
        body = _(
            "It answered: %(detail)s\n\nTop up at %(where)s. Until then no orders go there; customers are served by"
            " other upstreams if there are any, else their orders fail and cost them nothing. Then close its circuit in"
            " the admin, or wait: it is tried again by itself.\n\nThe shop cannot see such a balance shrink. Most"
            " providers warn by mail when it is low, or top up by themselves: look there for that."
        )
    else:
        subject = _("%(upstream)s refuses our account")
        body = _(
            "It answered: %(detail)s\n\nUntil this is mended no orders go there; customers are served by other"
            " upstreams if there are any, else their orders fail and cost them nothing. Look at the balance and the"
            " credential there, then close its circuit in the admin, or wait: it is tried again by itself."
        )
    alerts.raise_alert(upstream.shop_id, AlertKind.ACCOUNT, subject % facts, body % facts)
