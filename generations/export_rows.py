"""What the archive of an organization holds of its orders, and the images themselves."""

import functools
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Abs

from accounts.clock import read_db_now
from accounts.hooks import ExportDocument, ExportFile
from accounts.models import Organization
from accounts.privacy.export_rows import BATCH, in_batches
from generations import retention, storage
from generations.models import Generation, Image

Row = dict[str, Any]


def sections(organization: Organization) -> Iterator[ExportDocument | ExportFile]:
    yield ExportDocument("generations.json", _generations(organization))
    yield from _images(organization)


def _orders(organization: Organization, *, livemode: bool) -> "QuerySet[Any]":
    # By the expression that its index is of.
    rows = Generation.objects.filter(organization=organization, livemode=livemode)
    return rows.alias(number=Abs("id"))


def _with_images(generations: list[Generation]) -> dict[int, list[Image]]:
    found: dict[int, list[Image]] = {}
    ids = [generation.pk for generation in generations]
    for image in Image.objects.filter(generation__in=ids).order_by("generation_id", "index"):
        found.setdefault(image.generation_id, []).append(image)
    return found


def _generations(organization: Organization) -> Iterator[Row]:
    for livemode in (True, False):
        orders = _orders(organization, livemode=livemode).select_related("model", "key", "user")
        batch: list[Generation] = []
        for generation in in_batches(orders, by="number"):
            batch.append(generation)
            if len(batch) == BATCH:
                yield from _rows(batch)
                batch = []
        yield from _rows(batch)


def _rows(generations: list[Generation]) -> Iterator[Row]:
    images = _with_images(generations)
    for generation in generations:
        yield _row(generation, images.get(generation.pk, []))


def _row(generation: Generation, images: list[Image]) -> Row:
    delivered = generation.price_credits * len(images) // generation.n
    return {
        "id": generation.task_id,
        "livemode": generation.livemode,
        "model": generation.model.slug,
        "ordered_by": (generation.key and generation.key.actor)
        or (generation.user and generation.user.actor),
        "prompt": generation.prompt,
        "aspect_ratio": generation.aspect_ratio,
        "width": generation.width,
        "height": generation.height,
        "n": generation.n,
        "requested_seed": generation.requested_seed,
        "seed": generation.seed,
        "output_format": generation.output_format,
        "status": generation.status,
        "error_type": generation.error_type,
        "price_credits": generation.price_credits,
        "consumed_credits": delivered,
        "idempotency_key": generation.idempotency_key,
        "metadata": generation.metadata,
        "webhook_url": generation.webhook_url or None,
        "created_at": generation.created_at,
        "started_at": generation.started_at,
        "finished_at": generation.finished_at,
        "images": [
            {
                "id": image.public_id,
                "file": _file_name(image),
                "content_type": image.content_type,
                "width": image.width,
                "height": image.height,
                "bytes": image.byte_size,
                "sha256": image.sha256,
                "provenance": image.provenance or None,
                "created_at": image.created_at,
                "deleted_at": image.deleted_at,
            }
            for image in images
        ],
    }


def _file_name(image: Image) -> str:
    return f"images/{image.public_id}.{image.extension}"


def _images(organization: Organization) -> Iterator[ExportFile]:
    """Newest first: should there be too many for one archive, those are left out that go soonest anyway."""
    days = retention.days_of(organization)
    for livemode in (True, False):
        newest = _orders(organization, livemode=livemode).order_by("-number")
        before: int | None = None
        while True:
            further = newest if before is None else newest.filter(number__lt=before)
            ids = list(further.values_list("pk", flat=True)[:BATCH])
            if not ids:
                break
            now = read_db_now()
            kept = Image.objects.filter(generation__in=ids, deleted_at=None).order_by(
                "-generation_id", "index"
            )
            for image in kept:
                if image.is_kept(now, days):
                    read = functools.partial(storage.read, image.storage_key)
                    yield ExportFile(_file_name(image), image.byte_size, read)
            before = ids[-1]
