"""What webhooks tell of a generation: its whole shape, as the API would show it now."""

import datetime
from typing import Any

from accounts.clock import read_db_now
from generations import retention
from generations.messages import error_message
from generations.models import Generation, Image, Status
from generations.storage import THUMBNAIL_EXTENSION, link_expiry, signed_url


def generation_event_data(task_id: str) -> dict[str, Any] | None:
    """None for one whose organization is closed: what it was is forgotten."""
    found = Generation.objects.select_related("organization", "model").filter(task_id=task_id)
    generation = found.first()
    if generation is None or generation.organization.closed_at is not None:
        return None
    return _shape(generation)


def _shape(generation: Generation) -> dict[str, Any]:
    now = read_db_now()
    images = list(Image.objects.filter(generation=generation).order_by("index"))
    days = retention.days_kept(generation.organization.retention_days)
    kept = [image for image in images if image.is_kept(now, days)]
    expires_at = link_expiry(now)
    message = error_message(generation)
    return {
        "id": generation.task_id,
        "object": "generation",
        "livemode": generation.livemode,
        "status": generation.status,
        "progress": 100 if generation.status == Status.SUCCEEDED else generation.progress,
        "model": generation.model.slug,
        "prompt": generation.prompt,
        "aspect_ratio": generation.aspect_ratio,
        "width": generation.width,
        "height": generation.height,
        "seed": generation.seed,
        "n": generation.n,
        "output_format": generation.output_format,
        "price_credits": generation.price_credits,
        "consumed_credits": generation.price_credits * len(images) // generation.n,
        "images": [_image(image, expires_at) for image in kept],
        "metadata": generation.metadata,
        "error": None if message is None else {"type": generation.error_type, "message": message},
        "created_at": _time(generation.created_at),
        "started_at": _time(generation.started_at),
        "finished_at": _time(generation.finished_at),
        "expires_at": _time(datetime.datetime.fromtimestamp(expires_at, datetime.UTC)) if kept else None,
    }


def _image(image: Image, expires_at: int) -> dict[str, Any]:
    return {
        "id": image.public_id,
        "url": signed_url(image.public_id, image.extension, expires_at),
        "thumbnail_url": signed_url(image.public_id, THUMBNAIL_EXTENSION, expires_at),
        "width": image.width,
        "height": image.height,
        "content_type": image.content_type,
        "bytes": image.byte_size,
        "sha256": image.sha256,
    }


def _time(value: datetime.datetime | None) -> str | None:
    return value.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if value else None
