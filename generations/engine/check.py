"""What `manage.py gpu_check` measures: the device, the model, one image by its stages. Loads all of it, so it takes a
while; nothing is ordered.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from generations.engine.config import EngineConfig
from generations.engine.jobs import RenderJob

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds by stage of the second of two images of one size, so nothing in them is loading or compiling."""

    width: int
    height: int
    loading_s: float
    stages_s: dict[str, float]
    peak_bytes: int

    @property
    def total_s(self) -> float:
        return sum(self.stages_s.values())

    @property
    def images_per_hour(self) -> float:
        return 3600 / self.total_s

    def cost(self, price_per_hour: float) -> float:
        """Of one image on a card that is never idle."""
        return price_per_hour / self.images_per_hour


def device_lines(config: EngineConfig) -> Iterator[str]:
    """What is known of the device; raises RuntimeError when there is none."""
    from generations.engine.diffusers_backend import describe_device  # noqa: PLC0415 - it imports torch

    yield from describe_device(config)


def measure(config: EngineConfig, width: int, height: int, prompt: str) -> Measured:
    """Loads the model first. Raises RenderError and what loading raises."""
    from generations.engine.diffusers_backend import DiffusersBackend  # noqa: PLC0415 - it imports torch

    begun = time.monotonic()
    backend = DiffusersBackend(config)
    backend.load()
    loading_s = time.monotonic() - begun
    job = RenderJob("check", prompt, width, height, 42, config.steps)
    backend.timed(job)
    stages = backend.timed(job)
    return Measured(width, height, loading_s, stages, backend.memory_bytes()[0])
