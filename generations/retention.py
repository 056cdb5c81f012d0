"""How long images and prompts are kept, and how they go.

settings.RETENTION_DAYS is the most for images (sweeps.delete_old_images); an organization may wish for less, which then
holds for its prompts too. settings.PROMPT_RETENTION_DAYS, if it is set, holds for everybody's prompts.

Both are walks along the numbers of orders that remember how far they have come, so that a sweep reads what came due
since the last one and no more, however many orders there are.
"""

import datetime
import logging
from collections.abc import Iterator, Sequence

from django.conf import settings
from django.db.models import Case, Q, QuerySet, Value, When
from django.db.models.functions import Abs

from accounts.clock import db_now
from accounts.models import Organization
from generations import storage
from generations.models import Attempt, Generation, Image, RetentionMark

logger = logging.getLogger(__name__)

PORTION = 200
PORTIONS_AT_ONCE = 50


def days_kept(own: int | None) -> int:
    """Of images. `own`: an organization's `retention_days`."""
    most: int = settings.RETENTION_DAYS
    return most if own is None else min(own, most)


def days_of(organization: Organization) -> int:
    """The same of its images."""
    return days_kept(organization.retention_days)


def apply() -> int:
    """How many orders were made to forget what is past its time."""
    own = Organization.objects.filter(retention_days__isnull=False, closed_at=None).order_by("pk")
    done = sum(_apply_own(organization) for organization in own)
    prompt_days: int | None = settings.PROMPT_RETENTION_DAYS
    if prompt_days is not None:
        done += _walk(Walk.of_all_prompts(prompt_days))
    return done


def _apply_own(organization: Organization) -> int:
    return sum(_walk(Walk.of(organization, livemode=livemode)) for livemode in (True, False))


class Walk:
    """Through the orders of an organization in one mode, or through all; `days` old they are due."""

    def __init__(
        self, mark: RetentionMark, rows: "QuerySet[Generation]", number: str, days: int, *, with_images: bool
    ) -> None:
        self.mark = mark
        self.days = days
        self.with_images = with_images
        self._rows, self._number = rows, number

    @classmethod
    def of(cls, organization: Organization, *, livemode: bool) -> "Walk":
        mode = "live" if livemode else "test"
        mark, _created = RetentionMark.objects.get_or_create(subject=f"organization:{organization.pk}:{mode}")
        rows = Generation.objects.filter(organization=organization, livemode=livemode)
        # By the expression that its index is of.
        rows = rows.alias(number=Abs("id"))
        return cls(mark, rows, "number", days_of(organization), with_images=True)

    @classmethod
    def of_all_prompts(cls, days: int) -> "Walk":
        mark, _created = RetentionMark.objects.get_or_create(subject="prompts")
        rows = Generation.objects.all()
        return cls(mark, rows, "pk", days, with_images=False)

    def portions(self) -> Iterator[list[int]]:
        """The ids of those that are due, as far as they follow on the mark without one that is not: orders end
        nearly in the order in which they came.
        """
        after = self.mark.up_to
        is_due = Q(finished_at__lte=db_now() - datetime.timedelta(days=self.days))
        rows = self._rows.annotate(is_due=Case(When(is_due, then=Value(True)), default=Value(False)))
        rows = rows.order_by(self._number)
        for _portion in range(PORTIONS_AT_ONCE):
            following = rows.filter(**{f"{self._number}__gt": after}).values_list("pk", "is_due")
            due = []
            for pk, is_due_now in following[:PORTION]:
                if not is_due_now:
                    break
                due.append(pk)
            if not due:
                return
            yield due
            after = due[-1]


def _walk(walk: Walk) -> int:
    done, is_complete = 0, True
    for due in walk.portions():
        if walk.with_images:
            is_complete = delete_images(due) and is_complete
        done += forget_prompts(due)
        if is_complete:  # a file that could not be deleted is looked at again, and keeps nobody else waiting
            RetentionMark.objects.filter(pk=walk.mark.pk, up_to__lt=due[-1]).update(up_to=due[-1])
    return done


# --- Going --------------------------------------------------------------------------------------


def delete_images(generation_ids: Sequence[int]) -> bool:
    """Files first, then their marks, so that a crash in between is made up for. False when one could not be."""
    are_gone = True
    for image in Image.objects.filter(generation__in=generation_ids, deleted_at=None):
        try:
            delete_image(image)
        except OSError as error:
            logger.error("%s: its file could not be deleted, it is tried again: %s", image, error)
            are_gone = False
    return are_gone


def delete_image(image: Image) -> bool:
    storage.delete([image.storage_key])
    return bool(Image.objects.filter(pk=image.pk, deleted_at=None).update(deleted_at=db_now()))


def forget_prompts(generation_ids: Sequence[int]) -> int:
    """What customers wrote, and what would tell it: digests, their idempotency keys, what upstreams answered.

    With it goes what they noted of the order, the address that heard of it, and the id of the request, which may be
    the client's own.
    """
    Attempt.objects.filter(generation__in=generation_ids).exclude(outcome="").update(detail="", handle=None)
    known = Generation.objects.filter(pk__in=generation_ids, finished_at__isnull=False)
    return known.exclude(prompt="").update(
        prompt="",
        request_digest="",
        idempotency_key=None,
        metadata_text="",
        request_id="",
        webhook_url="",
        awaited_try=None,
    )
