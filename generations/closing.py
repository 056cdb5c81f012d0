"""What becomes of an organization's images and orders when it closes: canceled first, and in the end forgotten."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Abs
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Organization
from generations import ordering, retention
from generations.errors import AlreadyEnded, TooLateToCancel
from generations.models import Generation, Image, Sample

logger = logging.getLogger(__name__)

AT_ONCE = 500
MOST_COUNTED = 10_000
LIVEMODES = (True, False)


def losses(organization: Organization) -> Iterator[str]:
    orders = Generation.objects.filter(organization=organization)
    count = Image.objects.filter(generation__in=orders, deleted_at=None)[: MOST_COUNTED + 1].count()
    words = ngettext("%(count)s image", "%(count)s images", count)
    if count > MOST_COUNTED:
        words = _("more than %(count)s images")
    if count:
        yield words % {"count": number_format(min(count, MOST_COUNTED), force_grouping=True)}


def end_orders(organization: Organization) -> bool:
    """Cancels what is open, one by one. What an upstream goes on making at the shop's expense, beyond what may be
    canceled of that, ends by itself within its deadline. Whether nothing is open any more.
    """
    still_open = Generation.objects.unended().filter(organization=organization)
    for generation in still_open.order_by("deadline_at")[:AT_ONCE]:
        with suppress(AlreadyEnded, TooLateToCancel):
            ordering.cancel(generation)
    return not still_open.exists()


def forget_orders(organization: Organization) -> Iterator[None]:
    """Images and their files, prompts, and who made them. Amounts, times and ids stay. Raises OSError while the
    storage is away.
    """
    for livemode in LIVEMODES:
        orders = Generation.objects.filter(organization=organization, livemode=livemode)
        numbered: QuerySet[Any] = orders.alias(number=Abs("id")).order_by("number")
        after = 0
        while ids := list(
            numbered.filter(number__gt=after).values_list("pk", flat=True)[: retention.PORTION]
        ):
            if not retention.delete_images(ids):
                raise OSError("Not all images could be deleted.")
            retention.forget_prompts(ids)
            Generation.objects.filter(pk__in=ids, user__isnull=False).update(user=None)
            Sample.objects.filter(image__generation__in=ids).delete()
            after = ids[-1]
            yield
