"""What is sold, to whom, and who makes it, as rows."""

from generations.models.orders import (
    ENDED,
    OPEN,
    TASK_ID,
    Attempt,
    Generation,
    GenerationQuerySet,
    Image,
    Status,
    new_image_id,
    new_task_id,
    sortable_id,
)
from generations.models.retention import (
    RetentionMark,
)
from generations.models.rules import (
    BlockedPhrase,
    Takedown,
)
from generations.models.samples import (
    Sample,
)
from generations.models.sold import (
    ImageModel,
    ModelPrice,
    price_now,
)
from generations.models.upstreams import (
    CostUnit,
    PaidCancels,
    Upstream,
    UpstreamState,
)

__all__ = [
    "ENDED",
    "OPEN",
    "TASK_ID",
    "Attempt",
    "BlockedPhrase",
    "CostUnit",
    "Generation",
    "GenerationQuerySet",
    "Image",
    "ImageModel",
    "ModelPrice",
    "PaidCancels",
    "RetentionMark",
    "Sample",
    "Status",
    "Takedown",
    "Upstream",
    "UpstreamState",
    "new_image_id",
    "new_task_id",
    "price_now",
    "sortable_id",
]
