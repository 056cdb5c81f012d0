"""What becomes of a delivery once it was tried: done, tried again later, or given up; and of its endpoint.

Locks: the endpoint, then its deliveries, then the host of an order's own address.
"""

import datetime
import email.utils
import logging
import random
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.audit import record
from accounts.clock import db_now, read_db_now
from accounts.mail import outbox
from accounts.models import AuditAction, Membership
from accounts.roles import Right, roles_with
from webhooks.errands import GONE, INTERNAL, Errand
from webhooks.models import (
    DeliveryState,
    DisabledReason,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookHost,
)

logger = logging.getLogger(__name__)

# Before each try, counted from the end of the one before it: three days and three and a half hours in all.
PAUSES_S = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER = 0.1  # at most so much more of each: those that failed together do not come back together
LONGEST_WAIT = datetime.timedelta(hours=24)  # that an answer may ask for
# Why no answer came, or none that counts; beside the words of errands.py.
REFUSED, UNREACHABLE, TIMEOUT, BUSY = "refused", "unreachable", "timeout", "busy"
OURS = frozenset({BUSY, INTERNAL})  # these say nothing about who was to be told
BUSY_PAUSE_S = 30
HTTP_GONE = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """`status`: the answer's, None for none; `error`: why there is none, a machine word."""

    duration_ms: int
    status: int | None = None
    error: str = ""
    detail: str = ""
    answer: str = ""
    retry_after: str = ""

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@transaction.atomic
def settle(errand: Errand, outcome: Outcome) -> None:
    """What a worker found out that lost its lease meanwhile stands in the log, and decides nothing. What somebody
    wanted sent again while it was on its way is sent again, whatever was answered.
    """
    WebhookAttempt.objects.filter(pk=errand.attempt_id).update(
        response_status=outcome.status,
        error=outcome.error,
        detail=outcome.detail[:300],
        answer=outcome.answer,
        duration_ms=outcome.duration_ms,
    )
    _tell_endpoint(errand, outcome)
    ours = WebhookDelivery.objects.filter(pk=errand.delivery_id, claim=errand.claim)
    pending = ours.filter(status=DeliveryState.PENDING)
    if not pending.filter(replays=errand.replays).update(**_next(errand, outcome)):
        wanted_again = pending.update(lease_until=None, response_status=outcome.status)
        if not wanted_again and not ours.update(response_status=outcome.status):  # ended with its endpoint
            return
    _tell_host(errand, outcome)


def _next(errand: Errand, outcome: Outcome) -> dict[str, Any]:
    if outcome.is_good:
        changes = _ended(DeliveryState.SUCCEEDED)
    elif outcome.error == BUSY:
        changes = _again(errand.step, datetime.timedelta(seconds=BUSY_PAUSE_S) * _jitter())
    elif outcome.status == HTTP_GONE or errand.problem == GONE or _is_last(errand, outcome):
        changes = _ended(DeliveryState.FAILED)
    else:
        changes = _again(errand.step + 1, pause_before(errand.step + 1, outcome.retry_after))
    return {**changes, "response_status": outcome.status}


def _is_last(errand: Errand, outcome: Outcome) -> bool:
    """The schedule's, or the only one for which there is patience with a host that has failed for days."""
    if errand.step + 1 >= len(PAUSES_S):
        return True
    if errand.endpoint_id is not None or outcome.error in OURS:
        return False
    return WebhookHost.objects.filter(
        target=errand.target, failing_since__lte=db_now() - _patience()
    ).exists()


def _again(step: int, pause: datetime.timedelta) -> dict[str, Any]:
    return {"step": step, "next_attempt_at": db_now() + pause, "lease_until": None}


def _ended(status: DeliveryState) -> dict[str, Any]:
    return {"status": status, "next_attempt_at": None, "lease_until": None, "finished_at": db_now()}


def pause_before(step: int, retry_after: str = "") -> datetime.timedelta:
    """What the schedule says, or what the answer asked for where that is longer: up to LONGEST_WAIT."""
    planned = datetime.timedelta(seconds=PAUSES_S[step]) * _jitter()
    return max(planned, min(_asked_for(retry_after), LONGEST_WAIT))


def _jitter() -> float:
    return 1 + random.random() * JITTER  # noqa: S311 - nobody gains by guessing it


def _asked_for(retry_after: str) -> datetime.timedelta:
    """Retry-After has seconds or a date."""
    nothing = datetime.timedelta(0)
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return datetime.timedelta(seconds=int(text)) if len(text) <= 9 else LONGEST_WAIT
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return nothing
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return max(nothing, moment - read_db_now())


# --- The endpoint ---------------------------------------------------------------------------------


def _tell_endpoint(errand: Errand, outcome: Outcome) -> None:
    if errand.endpoint_id is None or errand.problem or outcome.error in OURS:  # its receiver has not failed
        return
    # What another address answered, before its endpoint was moved, says nothing about this one.
    endpoint = WebhookEndpoint.objects.filter(pk=errand.endpoint_id, enabled=True, url=errand.url)
    if outcome.is_good:
        endpoint.filter(failing_since__isnull=False).update(failing_since=None)
        return
    if outcome.status == HTTP_GONE:
        if endpoint.select_for_update().exists():
            disable(errand.endpoint_id, DisabledReason.GONE)
        return
    endpoint.filter(failing_since=None).update(failing_since=db_now())
    if endpoint.filter(failing_since__lte=db_now() - _patience()).exists():
        disable(errand.endpoint_id, DisabledReason.FAILING)


def _patience() -> datetime.timedelta:
    return datetime.timedelta(days=settings.WEBHOOK_DISABLE_DAYS)


def disable(endpoint_id: int, reason: DisabledReason) -> bool:
    """Nothing more is sent there until somebody enables it again. Whoever may do that is told by mail. False when it
    was off before. Inside a transaction.
    """
    enabled = WebhookEndpoint.objects.filter(pk=endpoint_id, enabled=True)
    if not enabled.update(enabled=False, disabled_reason=reason):
        return False
    end_pending(endpoint_id)
    endpoint = WebhookEndpoint.objects.select_related("organization__shop").get(pk=endpoint_id)
    record(
        endpoint.organization,
        AuditAction.WEBHOOK_DISABLED,
        actor="system",
        subject=endpoint.public_id,
        reason=str(reason),
    )
    members = Membership.objects.filter(
        organization=endpoint.organization, role__in=roles_with(Right.WEBHOOKS), user__is_active=True
    )
    for member in members.select_related("user"):
        context = {
            "organization": endpoint.organization,
            "endpoint": endpoint,
            "is_gone": reason == DisabledReason.GONE,
            "days": settings.WEBHOOK_DISABLE_DAYS,
        }
        outbox.queue_template(endpoint.organization.shop, member.user, "webhook_disabled", context)
    return True


def end_pending(endpoint_id: int) -> int:
    """They can be replayed, once the endpoint is enabled again."""
    pending = WebhookDelivery.objects.unfinished().filter(endpoint_id=endpoint_id)
    return pending.update(**_ended(DeliveryState.FAILED))


def end_stranded() -> int:
    """Events that were published at the very moment in which their endpoint was switched off."""
    stranded = WebhookDelivery.objects.unfinished().filter(endpoint__enabled=False)
    ids = list(stranded.values_list("pk", flat=True)[:500])
    still_pending = WebhookDelivery.objects.unfinished().filter(pk__in=ids)
    return still_pending.update(**_ended(DeliveryState.FAILED)) if ids else 0


# --- The host of an order's own address -------------------------------------------------------------


def _tell_host(errand: Errand, outcome: Outcome) -> None:
    """It is not switched off, since nobody could switch it on again; what fails is slowed as an endpoint is."""
    if errand.endpoint_id is not None or errand.problem or outcome.error in OURS:
        return
    host = WebhookHost.objects.filter(target=errand.target)
    if outcome.is_good:
        host.delete()
    elif outcome.status != HTTP_GONE and not host.update(
        failed_at=db_now()
    ):  # 410: this order's address alone
        fresh = WebhookHost(organization_id=errand.organization_id, target=errand.target)
        WebhookHost.objects.bulk_create([fresh], ignore_conflicts=True)
