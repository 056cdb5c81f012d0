"""An image that an operator removes: its links answer 410 at once, its file goes, and why it went is recorded."""

import logging

from django.db import transaction

from accounts.audit import record
from accounts.clock import db_now
from accounts.models import AuditAction
from accounts.origin import NOWHERE, Origin
from generations import storage
from generations.models import Image, Takedown

logger = logging.getLogger(__name__)


def take_down(image: Image, *, actor: str, reason: str, origin: Origin = NOWHERE) -> Takedown:
    """`actor` as `staff:<uuid>`. Twice is once: the first reason stands."""
    with transaction.atomic():
        takedown, is_new = Takedown.objects.get_or_create(
            image=image, defaults={"actor": actor, "reason": reason}
        )
        if is_new:
            generation = image.generation
            record(
                generation.organization,
                AuditAction.IMAGE_TAKEN_DOWN,
                actor=actor,
                origin=origin,
                subject=image.public_id,
                note=reason,
                task=generation.task_id,
            )
        Image.objects.filter(pk=image.pk, deleted_at=None).update(deleted_at=db_now())
    try:
        finish(takedown)
    except OSError as error:
        logger.warning("%s is taken down; its file goes with a later sweep: %s", image.public_id, error)
    return takedown


def finish(takedown: Takedown) -> bool:
    """Removes the file and its thumbnail; False when that was done before. Raises OSError."""
    left = Takedown.objects.filter(pk=takedown.pk, file_removed_at=None)
    if not left.exists():
        return False
    storage.delete([takedown.image.storage_key])
    return bool(left.update(file_removed_at=db_now()))


def finish_all() -> int:
    """Those whose file could not be removed at once."""
    left = Takedown.objects.filter(file_removed_at=None).select_related("image")
    done = 0
    for takedown in left[:500]:
        try:
            done += finish(takedown)
        except OSError as error:
            logger.warning("%s: its file cannot be removed: %s", takedown.image.public_id, error)
    return done
