"""What apps above fill in their AppConfig.ready(): how an event that only bears a reference becomes words."""

from collections.abc import Callable
from typing import Any

# By what the reference begins with, such as "generation" of `generation:task_…`: given the rest, the `data` of the
# body as it is to be told now; None: it is gone for good, so nothing is told.
renderers: dict[str, Callable[[str], dict[str, Any] | None]] = {}
