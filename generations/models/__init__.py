"""What is sold, to whom, and who makes it, as rows."""

from generations.models.gpu import GpuWorker
from generations.models.incidents import (
    Affected,
    Incident,
    IncidentShare,
    IncidentState,
)
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
from generations.models.sums import (
    CountedHour,
    HourSum,
)
from generations.models.upstreams import (
    CostUnit,
    PaidCancels,
    Upstream,
    UpstreamState,
)
from generations.models.watching import (
    Alarm,
    BilledDay,
    Meter,
    MeterMarks,
)

__all__ = [
    "ENDED",
    "OPEN",
    "TASK_ID",
    "Affected",
    "Alarm",
    "Attempt",
    "BilledDay",
    "BlockedPhrase",
    "CostUnit",
    "CountedHour",
    "Generation",
    "GenerationQuerySet",
    "GpuWorker",
    "HourSum",
    "Image",
    "ImageModel",
    "Incident",
    "IncidentShare",
    "IncidentState",
    "Meter",
    "MeterMarks",
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
