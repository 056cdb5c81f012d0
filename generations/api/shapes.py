"""What a generation looks like in version 1: to its API, in webhooks and on pages. Knows nothing of requests."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.clock import db_now
from accounts.models import Organization
from accounts.shops import address_of
from accounts.statements import Select
from accounts.times import time_text
from generations import retention
from generations.messages import error_message
from generations.models import Generation, Image, Status
from generations.storage import THUMBNAIL_EXTENSION, link_expiry, signed_url


def _with_clock(rows: "QuerySet[Image]") -> "QuerySet[Any]":
    # The clock that signs their links comes with them.
    return rows.order_by("generation_id", "index").annotate(now=db_now())


_images_of = Select(lambda generation_id: _with_clock(Image.objects.filter(generation_id=generation_id)))


def images_of(generation: Generation) -> list[Image]:
    """Its images, each with the database's `now`; without a query where there can be none."""
    return _images_of(generation_id=generation.pk) if generation.status == Status.SUCCEEDED else []


def images_of_all(generations: Iterable[Generation]) -> dict[int, list[Image]]:
    """The same by the ids of generations, in at most one query."""
    ids = [generation.pk for generation in generations if generation.status == Status.SUCCEEDED]
    found: dict[int, list[Image]] = {}
    for image in _with_clock(Image.objects.filter(generation_id__in=ids)) if ids else ():
        found.setdefault(image.generation_id, []).append(image)
    return found


@dataclass(frozen=True, slots=True)
class Kept:
    """What can still be had of an order's images. `address`: with which links begin. `expires_s`: when links that are
    signed now stop to open, in Unix seconds; `deleted_at`: when its images went, None while there is one and where
    there never was.
    """

    images: list[Image]
    address: str = ""
    expires_s: int = 0
    deleted_at: datetime.datetime | None = None

    @property
    def expires_at(self) -> datetime.datetime | None:
        return datetime.datetime.fromtimestamp(self.expires_s, datetime.UTC) if self.images else None

    @property
    def urls(self) -> list[str]:
        return [self._url(image, image.extension) for image in self.images]

    def data_of(self, image: Image) -> dict[str, Any]:
        return {
            "id": image.public_id,
            "url": self._url(image, image.extension),
            "thumbnail_url": self._url(image, THUMBNAIL_EXTENSION),
            "width": image.width,
            "height": image.height,
            "content_type": image.content_type,
            "bytes": image.byte_size,
            "sha256": image.sha256,
        }

    def _url(self, image: Image, extension: str) -> str:
        return signed_url(self.address, image.public_id, extension, self.expires_s)


def kept_of(images: Sequence[Any], owner: Organization) -> Kept:
    """`images` as images_of() finds them; `owner`, whose they are, says how long they are kept, and where."""
    if not images:
        return Kept([])
    days = retention.days_of(owner)
    now: datetime.datetime = images[0].now
    kept = [image for image in images if image.is_kept(now, days)]
    if not kept:
        return Kept([], deleted_at=images[0].gone_at(days))
    return Kept(kept, address_of(owner.shop_id), link_expiry(now))


def generation_data(
    generation: Generation, images: Sequence[Image] = (), *, owner: Organization, model: str = ""
) -> dict[str, Any]:
    """`images` as images_of() finds them. `model`: its id, where the caller knows it. Addresses are signed afresh."""
    kept = kept_of(images, owner)
    return {
        "id": generation.task_id,
        "object": "generation",
        "livemode": generation.livemode,
        "status": str(generation.status),
        "progress": generation.progress,
        "model": model or generation.model.slug,
        "prompt": generation.prompt,
        "aspect_ratio": generation.aspect_ratio,
        "width": generation.width,
        "height": generation.height,
        "seed": generation.seed,
        "n": generation.n,
        "output_format": generation.output_format,
        "price_credits": generation.price_credits,
        "consumed_credits": generation.price_credits * len(images) // generation.n,
        "images": [kept.data_of(image) for image in kept.images],
        "images_deleted_at": time_text(kept.deleted_at),
        "metadata": generation.metadata,
        "error": _error(generation),
        "created_at": time_text(generation.created_at),
        "started_at": time_text(generation.started_at),
        "finished_at": time_text(generation.finished_at),
        "expires_at": time_text(kept.expires_at),
    }


def _error(generation: Generation) -> dict[str, Any] | None:
    """Of a failed one. That somebody canceled it says its status."""
    if generation.status != Status.FAILED:
        return None
    text = error_message(generation) or ""
    return {"type": text.partition(":")[0], "message": text}
