"""Images as pages show them."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models.functions import Abs

from accounts.access import Access
from accounts.clock import read_db_now
from generations import retention
from generations.models import Generation, Image
from generations.storage import THUMBNAIL_EXTENSION, link_expiry, signed_path

MOST_IMAGES = 4  # of one order


@dataclass(frozen=True, slots=True)
class Picture:
    """One image as pages show it. Paths are signed, and open for settings.IMAGE_LINK_SECONDS."""

    task_id: str
    image_id: str
    prompt: str
    path: str
    thumbnail_path: str
    width: int
    height: int
    byte_size: int
    extension: str


def pictures_of(
    generation: Generation, images: Iterable[Image], now: datetime.datetime, days: int
) -> list[Picture]:
    """Those that are kept, in their order. `days`: how long they are (retention.days_of)."""
    return [picture(generation, image, link_expiry(now)) for image in images if image.is_kept(now, days)]


def picture(generation: Generation, image: Image, expires_at: int) -> Picture:
    # Paths, not addresses: the page may have been opened by another name of this shop.
    return Picture(
        task_id=generation.task_id,
        image_id=image.public_id,
        prompt=generation.prompt,
        path=signed_path(image.public_id, image.extension, expires_at),
        thumbnail_path=signed_path(image.public_id, THUMBNAIL_EXTENSION, expires_at),
        width=image.width,
        height=image.height,
        byte_size=image.byte_size,
        extension=image.extension,
    )


def latest(access: Access, count: int, *, among: int) -> list[Picture]:
    """The newest kept images, the first of each order, of the last `among` orders: one who made nothing but failures
    would else have all of them read at each view.
    """
    now, days = read_db_now(), retention.days_of(access.organization)
    orders = Generation.objects.visible_to(access).newest_first()[:among]
    images = (
        Image.objects.select_related("generation")
        .filter(generation__in=orders, deleted_at=None)
        .order_by(Abs("generation_id").desc(), "index")[: MOST_IMAGES * count]
    )
    first: dict[int, Image] = {}
    for image in images:
        if image.is_kept(now, days):
            first.setdefault(image.generation_id, image)
    return [picture(image.generation, image, link_expiry(now)) for image in [*first.values()][:count]]
