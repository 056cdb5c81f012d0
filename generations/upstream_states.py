"""How an upstream is, in words for operators."""

import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.clock import read_db_now
from generations import circuit
from generations.models import Upstream

REASONS = {
    circuit.ACCOUNT: gettext_lazy("it refuses our account"),
    circuit.FUNDS: gettext_lazy("our balance there is used up"),
    circuit.FAILING: gettext_lazy("it keeps failing"),
}


def state_of(row: Upstream, now: datetime.datetime | None = None) -> str:
    """How many of our orders it has in hand, and its circuit. `now`: the database's; read when None."""
    state = row.state
    busy = _("%(count)d of %(most)d in flight") % {"count": state.in_flight, "most": row.concurrency}
    if state.opened_at is None or state.open_until is None:
        return _("%(busy)s, circuit closed") % {"busy": busy}
    left_s = int((state.open_until - (now or read_db_now())).total_seconds())
    again = _("tried again in %(s)d s") % {"s": left_s} if left_s > 0 else _("tried by the next order")
    facts = {
        "busy": busy,
        "reason": str(REASONS.get(state.reason, state.reason)),
        "since": date_format(state.opened_at, "SHORT_DATETIME_FORMAT"),
        "again": again,
    }
    return _("%(busy)s, circuit open since %(since)s UTC: %(reason)s, %(again)s") % facts
