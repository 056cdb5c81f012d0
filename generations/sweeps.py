"""What makes up for every lost ring, dead worker and passed deadline. Any number may run at once: each row is
changed by compare-and-set. Separate queries, since under overload one LIMIT for all would starve the deadlines.
"""

import datetime
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import F

from accounts.clock import db_now
from accounts.connections import was_locked
from accounts.sealing import Unreadable
from accounts.ticks import each_for_itself
from generations import circuit, doorbell, exchange, lifecycle, polling, retention, tidying, wholesale
from generations.gpu_workers import is_in_house
from generations.lifecycle.attempts import LEFT_OPEN
from generations.lifecycle.shared import lease
from generations.models import Attempt, Generation, Image, Status
from generations.providers import PROVIDERS
from generations.providers.base import AfterCrash

logger = logging.getLogger(__name__)

Row = TypeVar("Row")

BATCH = 500
RING_AGAIN_S = (15, 30, 60, 120)
# A broker that is slow, and not away, must not keep orders from their deadlines: the rest is due at the next sweep.
RING_FOR_S = 5.0
# Rows that somebody else held, in one step of a sweep: each was waited for.
MOST_LOCKED = 3
OVERDUE_S = 3
# An upstream that still works on an order so long after its end will not say any more what it cost.
ABSORB_S = 900


def sweep() -> None:
    each_for_itself(
        expire_overdue,
        requeue_lost,
        drive_again,
        give_up_orphans,
        open_again,
        ring_again,
        ring_for_questions,
    )


def expire_overdue() -> int:
    """Past the deadline: fail and release, or end with the images that are there."""
    overdue = Generation.objects.unended().filter(deadline_at__lte=db_now()).order_by("deadline_at")
    return _each(overdue[:BATCH], _expire)


def _expire(generation: Generation) -> bool:
    expired = lifecycle.expire(generation)
    if expired:
        _delete_unsettled(generation)
    return expired


def ring_again() -> int:
    """Queued and due: ring, and push the next ring further away each time."""
    due = Generation.objects.unended().filter(status=Status.QUEUED, dispatch_after__lte=db_now())
    rung, until = 0, time.monotonic() + RING_FOR_S
    for row in due.order_by("dispatch_after").values("pk", "rings", "dispatch_after")[:BATCH]:
        if time.monotonic() > until:
            break
        wait = datetime.timedelta(seconds=RING_AGAIN_S[min(row["rings"], len(RING_AGAIN_S) - 1)])
        # By the count of rings and not by the time: SQLite compares times as texts, of which two can mean the same.
        mine = Generation.objects.filter(
            pk=row["pk"], status=Status.QUEUED, rings=row["rings"], dispatch_after__lte=db_now()
        ).update(rings=F("rings") + 1, dispatch_after=db_now() + wait)
        if not mine:
            continue
        if not doorbell.publish(row["pk"]):
            # Nobody heard it, so it does not count; the others keep their place as well. Not what was taken up and put
            # back meanwhile: that has a time of its own.
            unheard = Generation.objects.filter(pk=row["pk"], status=Status.QUEUED, rings=row["rings"] + 1)
            unheard.update(rings=row["rings"], dispatch_after=row["dispatch_after"])
            break
        rung += 1
    return rung


def requeue_lost() -> int:
    """Lease over and never submitted: no upstream has heard of it, so it simply runs again."""
    return _each(_lost(submitted=False), _hand_back)


def drive_again() -> int:
    """Lease over and submitted: the upstream may have done the work. It is sent again only where that is allowed,
    under the same attempt, or asked for; for the others the deadline decides, since the customer is never charged
    for what we do not know.
    """
    return _each(_lost(submitted=True), _drive_again)


def _drive_again(generation: Generation) -> bool:
    attempt = generation.attempts.select_related("upstream").order_by("-number").first()
    if attempt is not None and attempt.upstream is not None:
        attempt.generation = generation
        return _ask_or_send_again(attempt)
    provider = PROVIDERS.get(attempt.provider) if attempt else None
    if provider is not None and provider.after_crash is AfterCrash.RESEND:
        return _hand_back(generation)
    lifecycle.leave_to_deadline(generation)
    return False


def _ask_or_send_again(attempt: Attempt) -> bool:
    generation = attempt.generation
    if attempt.upstream is not None and is_in_house(attempt.upstream):
        # Its worker is gone, with all that it had made, and cost nobody anything.
        back = lifecycle.hand_back(
            generation, 0, lost=True, attempt=attempt, outcome=LEFT_OPEN, detail="the GPU's worker was lost"
        )
    elif attempt.accepted_at is not None:  # its result was being fetched
        back = lifecycle.await_answers(attempt, 0, lost=True)
    elif (allowed := exchange.after_crash(attempt)) is AfterCrash.RESEND:
        back = lifecycle.send_again(attempt, 0, lost=True)
    elif allowed is AfterCrash.LOOK_UP:
        back = lifecycle.await_answers(attempt, 0, lost=True)
    elif _waited_for_its_image(attempt):
        back = lifecycle.abandon(attempt, "the worker that waited for it was lost", lost=True)
    else:
        lifecycle.leave_to_deadline(generation)
        return False
    if back:
        _delete_unsettled(generation)
    return back


def _delete_unsettled(generation: Generation) -> None:
    tidying.delete_unsettled(generation.task_id, generation.claim, lifecycle.kept_keys(generation))


def _waited_for_its_image(attempt: Attempt) -> bool:
    """On a connection that went with its worker, so nothing will be heard of it."""
    try:
        call = exchange.Call.of(attempt, attempt.generation.model.slug)
    except (KeyError, Unreadable):
        return False
    return call.adapter.waits(call.account)


def give_up_orphans() -> int:
    """Attempts that outlived their generation, and of whose end nobody will tell: their possible cost is booked."""
    left = Attempt.objects.filter(outcome="", upstream__isnull=False).select_related("generation")
    unheard = left.filter(generation__finished_at__lte=db_now() - 2 * lease())
    old = left.filter(generation__finished_at__lte=db_now() - datetime.timedelta(seconds=ABSORB_S))
    changed = _each(
        list(unheard.filter(accepted_at=None)[:BATCH]),
        lambda attempt: lifecycle.orphan(attempt, "its answer was lost"),
    )
    changed += _each(
        list(old[:BATCH]), lambda attempt: lifecycle.orphan(attempt, "the upstream did not say how it ended")
    )
    if changed:  # their places are free, and nobody else calls for those that wait
        waiting = Generation.objects.unended().filter(status=Status.QUEUED, livemode=True)
        for pk in waiting.order_by("deadline_at").values_list("pk", flat=True)[:changed]:
            doorbell.ring(pk)  # at once: many may be free, and the broker slow
    return changed


def open_again() -> int:
    """Upstreams that are shops of ours, and would serve again what they refused."""
    return sum(circuit.close(pk) for pk in wholesale.served_again())


def ring_for_questions() -> bool:
    """Somebody should be asking upstreams, and nobody is."""
    overdue_s = polling.next_due_s()
    return overdue_s is not None and overdue_s < -OVERDUE_S and doorbell.publish_poll()


def _hand_back(generation: Generation) -> bool:
    back = lifecycle.hand_back(generation, 0, lost=True)
    if back:
        _delete_unsettled(generation)
    return back


def _lost(*, submitted: bool) -> list[Generation]:
    running = Generation.objects.unended().filter(status=Status.RUNNING, submitted=submitted)
    return list(running.filter(lease_until__lte=db_now()).order_by("lease_until")[:BATCH])


def delete_old_images() -> int:
    """Removes files past settings.RETENTION_DAYS. The file goes first: a crash in between is made up for."""
    age = datetime.timedelta(days=settings.RETENTION_DAYS)
    old = Image.objects.filter(deleted_at=None, created_at__lte=db_now() - age).order_by("created_at")
    return _each(old[:BATCH], retention.delete_image)


def _each(rows: Iterable[Row], change: Callable[[Row], bool]) -> int:
    """How many were changed. A row that raises is logged and left, else it would stop all behind it for good; so is one
    that somebody else holds, with all others of its organization, since what is held may be their wallet. A database
    that is away stops the sweep, since every row would wait for it anew.
    """
    changed, held = 0, set[int]()
    for row in rows:
        if held and _organization_of(row) in held:
            continue
        try:
            changed += change(row)
        except (OperationalError, InterfaceError) as error:
            if not was_locked(error) or len(held) + 1 >= MOST_LOCKED:
                raise
            held.add(_organization_of(row))
            logger.warning("%s: somebody holds it or its wallet; the next sweep tries it again", row)
        except Exception:
            logger.exception("%s: the sweep could not change it", row)
    return changed


def _organization_of(row: Any) -> int:
    """Of a generation, or of the one that an attempt or an image belongs to."""
    generation: Generation = getattr(row, "generation", row)
    return generation.organization_id
