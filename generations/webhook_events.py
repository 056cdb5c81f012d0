"""What webhooks tell of a generation: what the API would show of it now."""

from typing import Any

from generations.api.shapes import generation_data, images_of
from generations.models import Generation


def generation_event_data(task_id: str) -> dict[str, Any] | None:
    """None for one whose organization is closed: what it was is forgotten."""
    found = Generation.objects.select_related("organization", "model").filter(task_id=task_id)
    generation = found.first()
    if generation is None or generation.organization.closed_at is not None:
        return None
    return generation_data(generation, images_of(generation), owner=generation.organization)
