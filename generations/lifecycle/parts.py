"""An order for several images where upstreams make fewer at a time: attempt after attempt, each asked for what is
still missing. What one brought waits in its row, unshown and unpaid, until the order ends; so an Image row is an image
that was delivered, and one settlement is for all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Greatest

from accounts.clock import db_now
from accounts.statements import Insert
from generations.lifecycle.attempts import CANCELED_COST, close_attempt, note_late
from generations.lifecycle.shared import end, running, settle
from generations.models import Attempt, Generation, GenerationQuerySet, Image, Status, new_image_id
from generations.providers.base import OutcomeKind
from generations.storage import CheckedImage

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """An image that lies in the storage, to be shown once the generation has succeeded. `index`: of its order's.
    `provenance`: JSON, "" for none.
    """

    index: int
    storage_key: str
    image: CheckedImage
    provenance: str = ""

    @property
    def row(self) -> Row:
        """The fields of its Image row, as JSON has them."""
        return {
            "index": self.index,
            "storage_key": self.storage_key,
            "content_type": self.image.content_type,
            "width": self.image.width,
            "height": self.image.height,
            "byte_size": len(self.image.data),
            "sha256": self.image.sha256,
            "provenance_text": self.provenance,
        }


def next_index(last: Attempt | None) -> int:
    """Which image of its order comes next, by the attempt before: all that it was asked for were answered, or none."""
    if last is None:
        return 0
    return last.first_index + (last.n if last.outcome == OutcomeKind.OK else 0)


def keep_part(
    generation: Generation, attempt: Attempt, images: Sequence[Stored], *, brought: int, cost_micros: int = 0
) -> bool:
    """Keeps what the attempt brought, and puts the generation back for another one; False when we are late.

    `brought`: how many of those that it was asked for it answered; not all may have been usable, and none of them is
    asked for again. The caller deletes and is told as by succeed().
    """
    following = attempt.first_index + brought
    if not 1 <= len(images) <= brought or following >= generation.n:
        raise ValueError(f"{generation}: {len(images)} of {brought} images, {following} of {generation.n}")
    rows = [stored.row for stored in images]
    with transaction.atomic():
        shown = Greatest("progress", Value(100 * following // generation.n))
        back = running(generation.pk, generation.claim).update(
            status=Status.QUEUED,
            submitted=False,
            lease_until=None,
            rings=0,
            dispatch_after=db_now(),
            progress=shown,
        )
        if not back:
            if any(row["storage_key"] == rows[0]["storage_key"] for row in parts_of(generation)):
                return True
            note_late(attempt, cost_micros=cost_micros)
            return False
        Attempt.objects.filter(pk=attempt.pk, outcome="").update(n=brought, delivered=rows)
        close_attempt(attempt, OutcomeKind.OK, cost_micros=cost_micros)
    return True


def parts_of(generation: Generation) -> list[Row]:
    """What its attempts brought before the last one. Stays as it is while its row is locked, or its claim held."""
    kept = Attempt.objects.filter(generation=generation, outcome=OutcomeKind.OK, delivered__isnull=False)
    return [row for attempt in kept.order_by("number") for row in attempt.delivered or ()]


def kept_keys(generation: Generation) -> set[str]:
    """Files under earlier claims that are not to be deleted with those of dead workers."""
    return {row["storage_key"] for row in parts_of(generation)} if generation.n > 1 else set()


def end_with_parts(rows: GenerationQuerySet, generation: Generation, error_type: str) -> list[Row] | None:
    """Ends the row that `rows` still finds, as failed, or as succeeded when there are parts: they are for deliver()
    then, in the same transaction. None: it was changed meanwhile.
    """
    if not end(rows, Status.FAILED, error_type=error_type):
        return None
    # Read once the row is locked: until then a worker may keep one more.
    parts = parts_of(generation) if generation.n > 1 else []
    if parts:
        Generation.objects.filter(pk=generation.pk).update(
            status=Status.SUCCEEDED, error_type="", progress=100
        )
    return parts


def deliver(generation: Generation, rows: Sequence[Row]) -> None:
    """Shows these images and charges for them, and returns the rest; with none, all of it."""
    for row in rows:
        _insert_image(public_id=new_image_id(), generation_id=generation.pk, **row)
    status = Status.SUCCEEDED if rows else Status.FAILED
    settle(generation, status, consumed=generation.price_credits * len(rows) // generation.n)


_insert_image = Insert(Image)


def drop_parts(generation: Generation) -> bool:
    """Of a generation that has just been canceled: nobody will see them. Whether they cost us something."""
    kept = Attempt.objects.filter(generation=generation, delivered__isnull=False)
    cost_us = kept.filter(cost_micros__gt=0).update(outcome=CANCELED_COST, delivered=None)
    kept.update(outcome=OutcomeKind.CANCELED, delivered=None)
    return cost_us > 0
