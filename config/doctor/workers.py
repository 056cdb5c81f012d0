"""Whether somebody does the work: by what waits, since workers report to nobody."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db.models import Min

from accounts.clock import read_db_now
from accounts.models import OperatorAlert, QueuedMail
from config import health
from config.doctor.findings import Finding, error, ok, warning
from generations.backlog import STUCK_DEADLINE

WAITS_LONG_S = 60.0
MAIL_WAITS_LONG_S = 600.0


def look() -> Iterator[Finding]:
    state = health.look()
    if state["broker"] != "ok":
        yield error(
            "workers cannot be rung for: the broker is away.",
            "Orders wait until it is back: see broker above.",
        )
    oldest_s = state["oldest_queued_seconds"] or 0.0
    cure = "Start workers of the queue default; if they run, start more of them, and see what their log says."
    if oldest_s > settings.DEADLINE_S * STUCK_DEADLINE:
        yield error(f"an order has waited for {oldest_s:.0f} s, so new ones are refused.", cure)
    elif oldest_s > WAITS_LONG_S:
        yield warning(f"an order has waited for {oldest_s:.0f} s.", cure)
    else:
        yield ok("no order waits." if not oldest_s else f"the oldest order waits for {oldest_s:.0f} s.")
    if settings.READY_FILE:
        if Path(settings.READY_FILE).exists():
            yield ok("the worker of READY_FILE takes work.")
        else:
            yield warning(
                f"READY_FILE={settings.READY_FILE} is not there: on this machine that worker takes no work.",
                "Start it, or look at its log.",
            )
    yield from _mail()


def _mail() -> Iterator[Finding]:
    """It is sent every few seconds: what is long overdue and was never tried says that beat or its worker is away."""
    never_tried = [
        model.objects.filter(sent_at=None, tries=0, due_at__isnull=False).aggregate(oldest=Min("due_at"))[
            "oldest"
        ]
        for model in (OperatorAlert, QueuedMail)
    ]
    oldest = min((due_at for due_at in never_tried if due_at is not None), default=None)
    if oldest is not None and (read_db_now() - oldest).total_seconds() > MAIL_WAITS_LONG_S:
        yield error(
            "mail waits that nobody has tried to send.",
            "Start beat and a worker of the queue webhooks; the same do payments, closings and exports.",
        )
