"""Goodwill credits for an incident: one entry for each affected order, whoever runs it how often, and whoever dies.

The reference of an entry names incident and order, so that no order brings twice. The row is the queue: a task takes
portions of whatever incident is running, and remembers how far it came.
"""

import datetime
import itertools
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from accounts.audit import record
from accounts.clock import TICK, db_now, read_db_now
from accounts.desk.deeds import Doer, Refused
from accounts.models import AuditAction, Organization, Shop
from billing import ledger, reads
from generations.models import (
    Affected,
    Attempt,
    Generation,
    Incident,
    IncidentShare,
    IncidentState,
    Status,
    Upstream,
)
from webhooks.event_types import CREDITS_ADDED
from webhooks.publishing import publish

logger = logging.getLogger(__name__)

PORTION = 200
PORTIONS_AT_ONCE = 50  # by one task; the next one goes on
LONGEST = datetime.timedelta(days=31)
_OUTCOMES: dict[str, Q] = {
    Affected.FAILED: Q(status=Status.FAILED),
    Affected.TIMEOUT: Q(status=Status.FAILED, error_type="timeout"),
    Affected.UNAVAILABLE: Q(status=Status.FAILED, error_type="upstream_unavailable"),
    Affected.SUCCEEDED: Q(status=Status.SUCCEEDED),
}


@dataclass(frozen=True, slots=True)
class Extent:
    """How many customers, tasks and credits in all."""

    customers: int
    tasks: int
    credits: int


def draft(
    shop: Shop,
    *,
    name: str,
    since: datetime.datetime,
    until: datetime.datetime,
    upstream: Upstream | None,
    affected: str,
    credits_each: int | None,
    actor: str,
) -> tuple[Incident, bool]:
    """The incident, and whether it is new: one of the same time, upstream and outcome is the same one. Nothing is given
    yet.
    """
    parts = (shop.pk, since.isoformat(), until.isoformat(), upstream.pk if upstream else "", affected)
    facts = {"name": name, "credits_each": credits_each, "actor": actor}
    return Incident.objects.get_or_create(
        key="|".join(map(str, parts)),
        defaults={
            "shop": shop,
            "since": since,
            "until": until,
            "upstream": upstream,
            "affected": affected,
            **facts,
        },
    )


def extent(incident: Incident) -> Extent:
    """Of all that are affected, whether they have been credited or not. Reads each of them, by the index of ends."""
    tasks: Counter[int] = Counter()
    credits: Counter[int] = Counter()
    rows = affected_by(incident).values_list("organization_id", "price_credits")
    for organization_id, price in rows.iterator(chunk_size=5_000):
        tasks[organization_id] += 1
        credits[organization_id] += incident.credits_each or price
    happy = _reached(incident, tasks)
    return Extent(len(happy), sum(tasks[pk] for pk in happy), sum(credits[pk] for pk in happy))


def _reached(incident: Incident, organization_ids: Iterable[int]) -> set[int]:
    """Those of this shop that have not been deleted. Apart from the search for orders: joined with it, a database may
    begin with the organizations, and read all orders of each.
    """
    found: set[int] = set()
    wanted = sorted(set(organization_ids))
    for start in range(0, len(wanted), 500):
        some = Organization.objects.filter(pk__in=wanted[start : start + 500])
        found.update(some.filter(shop=incident.shop_id, closed_at=None).values_list("pk", flat=True))
    return found


def given(incident: Incident) -> Extent:
    """What has been given for it so far."""
    found = incident.shares.filter(tasks__gt=0)
    sums = found.aggregate(
        customers=Count("pk"), tasks=Coalesce(Sum("tasks"), 0), credits=Coalesce(Sum("credits"), 0)
    )
    return Extent(**sums)


def others_of_that_time(incident: Incident) -> QuerySet[Incident]:
    """For which credits were given, and that may be about the same orders."""
    same_time = Incident.objects.filter(
        since__lt=incident.until, until__gt=incident.since, shop=incident.shop_id
    )
    return same_time.exclude(pk=incident.pk).exclude(state=IncidentState.DRAFT)


def affected_by(incident: Incident) -> "QuerySet[Generation]":
    """In the order of their ends, of whatever shop. Those of test keys cost nothing."""
    rows = Generation.objects.filter(
        _OUTCOMES[incident.affected],
        finished_at__gte=incident.since,
        finished_at__lt=incident.until,
        livemode=True,
    )
    if incident.upstream_id is not None:
        tried_there = Attempt.objects.filter(generation=OuterRef("pk"), upstream=incident.upstream_id)
        rows = rows.filter(Exists(tried_there))
    return rows.order_by("finished_at", "pk")


@transaction.atomic
def start(incident: Incident, doer: Doer) -> None:
    """From the first order on, also once more: what was credited stays. Raises Refused while it runs already, or before
    its time is over.
    """
    if incident.until > read_db_now():
        raise Refused
    idle = Incident.objects.filter(pk=incident.pk).exclude(state=IncidentState.RUNNING)
    fields = {
        "actor": doer.actor,
        "reason": doer.reason,
        "cursor_at": None,
        "cursor_id": 0,
        "finished_at": None,
    }
    if not idle.update(state=IncidentState.RUNNING, **fields):
        raise Refused


def run_due() -> int:
    """How many orders were credited. Any number at once: what one has given the others pass."""
    count = 0
    running = Incident.objects.filter(state=IncidentState.RUNNING).order_by("pk")
    for incident in running.select_related("upstream"):
        for _portion in range(PORTIONS_AT_ONCE):
            done = take_portion(incident)
            count += done or 0
            if done is None:
                break
    return count


def take_portion(incident: Incident) -> int | None:
    """How many of the next PORTION orders were credited; None when there are none left, or it does not run any more."""
    incident.refresh_from_db(fields=["state", "cursor_at", "cursor_id", "actor", "reason"])
    if incident.state != IncidentState.RUNNING:
        return None
    found = _next_portion(incident)
    if not found:
        _finish(incident)
        return None
    reached = _reached(incident, (row.organization_id for row in found))
    by_organization = sorted(
        (row for row in found if row.organization_id in reached),
        key=lambda row: (row.organization_id, row.pk),
    )
    count = sum(
        _credit(incident, organization_id, list(rows))
        for organization_id, rows in itertools.groupby(by_organization, lambda row: row.organization_id)
    )
    # Nobody goes back: who was slower finds another cursor, and reads where the faster one is.
    same = Q(cursor_at=incident.cursor_at, cursor_id=incident.cursor_id, state=IncidentState.RUNNING)
    last = found[-1]
    Incident.objects.filter(same, pk=incident.pk).update(cursor_at=last.finished_at, cursor_id=last.pk)
    return count


def _next_portion(incident: Incident) -> "list[Generation]":
    rows = affected_by(incident)
    if incident.cursor_at is not None:
        later = Q(finished_at__gte=incident.cursor_at + TICK)
        # The second condition is the index's, the first tells those of one moment apart.
        rows = rows.filter(later | Q(pk__gt=incident.cursor_id), finished_at__gt=incident.cursor_at - TICK)
    return list(rows.only("task_id", "organization_id", "price_credits", "finished_at")[:PORTION])


@transaction.atomic
def _credit(incident: Incident, organization_id: int, orders: "Sequence[Generation]") -> int:
    """How many of these, which are one organization's, had not been credited yet."""
    share = _locked_share(incident, organization_id)
    gifts = {
        incident.reference(order.task_id): incident.credits_each or order.price_credits for order in orders
    }
    given = ledger.grant_each(organization_id, gifts, actor=incident.actor)
    credits = sum(gifts[reference] for reference in given)
    if given:
        counted = IncidentShare.objects.filter(pk=share.pk)
        counted.update(tasks=F("tasks") + len(given), credits=F("credits") + credits)
    return len(given)


def _locked_share(incident: Incident, organization_id: int) -> IncidentShare:
    """Before the wallet: of two runs at once the second waits here, and finds what the first has given."""
    mine = IncidentShare.objects.filter(incident=incident, organization=organization_id)
    if not mine.exists():
        IncidentShare.objects.bulk_create(
            [IncidentShare(incident=incident, organization_id=organization_id)], ignore_conflicts=True
        )
    return mine.select_for_update(no_key=True).get()


# --- At the end ---------------------------------------------------------------------------------


def _finish(incident: Incident) -> None:
    """Each organization is told, and read in its log, what it got since it was told last; then the incident is done."""
    untold = IncidentShare.objects.filter(incident=incident).exclude(told=F("credits")).order_by("pk")
    while portion := list(untold[:PORTION]):
        for share in portion:
            _tell(incident, share)
    running = Incident.objects.filter(pk=incident.pk, state=IncidentState.RUNNING)
    if running.update(state=IncidentState.DONE, finished_at=db_now()):
        so_far = given(incident)
        logger.info("%s: %d tasks have brought %d credits", incident.public_id, so_far.tasks, so_far.credits)


@transaction.atomic
def _tell(incident: Incident, share: IncidentShare) -> None:
    news = share.credits - share.told
    mine = IncidentShare.objects.filter(pk=share.pk, told=share.told, credits=share.credits)
    if not mine.update(told=share.credits):
        return  # somebody else has told it
    record(
        Organization.objects.get(pk=share.organization_id),
        AuditAction.CREDITS_CHANGED,
        actor=incident.actor,
        subject=incident.public_id,
        note=incident.reason,
        credits=news,
        tasks=share.tasks,
    )
    told = reads.added(share.organization_id, news, kind="grant", reference=f"incident:{incident.public_id}")
    publish(share.organization_id, CREDITS_ADDED, livemode=True, data=told)
