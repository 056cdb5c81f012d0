"""What every change of state needs: the fence, and the one settlement at the end, with its news."""

import datetime
import functools
import logging
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.clock import db_now
from billing import ledger
from generations.models import ENDED, Generation, GenerationQuerySet, Status
from webhooks.event_types import GENERATION_CANCELED, GENERATION_FAILED, GENERATION_SUCCEEDED
from webhooks.publishing import publish

logger = logging.getLogger(__name__)

SYSTEM = "system"
NEWS = {
    Status.SUCCEEDED: GENERATION_SUCCEEDED,
    Status.FAILED: GENERATION_FAILED,
    Status.CANCELED: GENERATION_CANCELED,
}


def lease() -> datetime.timedelta:
    return datetime.timedelta(seconds=settings.LEASE_S)


def running(pk: int, claim: int) -> GenerationQuerySet:
    """The row while it is running under this very claim."""
    return Generation.objects.filter(pk=pk, status=Status.RUNNING, claim=claim)


def fenced(generation: Generation, *, lost: bool = False) -> GenerationQuerySet:
    """The same; `lost`: and while its lease is over, and what is known of its submission has not changed since it
    was read.
    """
    rows = running(generation.pk, generation.claim)
    if lost:
        rows = rows.filter(lease_until__lte=db_now(), submitted=generation.submitted)
    return rows


def end(rows: GenerationQuerySet, status: Status, *, error_type: str) -> bool:
    return bool(rows.update(**ends(status), error_type=error_type))


def ends(status: Status) -> dict[str, Any]:
    if status not in ENDED:
        raise ValueError(status)
    return {"status": status, "finished_at": db_now(), "lease_until": None}


def settle(generation: Generation, status: Status, *, consumed: int) -> None:
    """The money of one that has just ended so, and the news of it."""
    _settle(generation, consumed)
    transaction.on_commit(functools.partial(_log_end, generation.task_id, status.value))
    publish(
        generation.organization_id,
        NEWS[status],
        livemode=generation.livemode,
        reference=generation.reference,
        url=generation.webhook_url,
    )


def _log_end(task_id: str, status: str) -> None:
    logger.info("%s has ended: %s", task_id, status)


def _settle(generation: Generation, consumed: int) -> None:
    key_id = generation.key_id
    if not generation.livemode:
        if key_id is not None:
            ledger.close_key_task(key_id, 0, accepted_on=generation.created_at.date())
        return
    organization_id, reference = generation.organization_id, generation.reference
    if consumed:
        ledger.capture(organization_id, consumed, reference=reference, actor=SYSTEM, key_id=key_id)
    else:
        ledger.release(organization_id, reference=reference, actor=SYSTEM, key_id=key_id)
