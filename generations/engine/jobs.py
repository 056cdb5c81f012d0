"""What is asked of the engine, what a backend has to offer it, and what may go wrong. No torch, no ORM."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

TOKEN_SIDE_PIXELS = 16  # of the square that the model sees as one token
BUCKET_TOKENS = (
    32  # texts are padded to a multiple of this; only those of one bucket share a batch without a mask
)
Key = tuple[int, int, int, int]  # width, height, steps, bucket: jobs of one key can be made together


@dataclass(frozen=True, slots=True)
class RenderJob:
    """One image. Sides in pixels, multiples of 16."""

    task_id: str
    prompt: str
    width: int
    height: int
    seed: int
    steps: int = 8

    @property
    def image_tokens(self) -> int:
        return (self.width // TOKEN_SIDE_PIXELS) * (self.height // TOKEN_SIDE_PIXELS)

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6

    def key(self, prompt_tokens: int) -> Key:
        return self.width, self.height, self.steps, -(-prompt_tokens // BUCKET_TOKENS)


class RenderError(Exception):
    """What became of a job that brought no image."""


class OutOfMemory(RenderError):
    """The device's memory does not hold it now."""


class DeviceLost(RenderError):
    """The device answers with errors: nothing that this process asks of it can be trusted any more."""


class EngineLost(RenderError):
    """The engine has stopped for good before this job was done."""


class Canceled(RenderError):
    """Nobody wants it any more."""


class Mark(Protocol):
    """A point in the device's work, such as a CUDA event."""

    def query(self) -> bool:
        """Whether the device has come so far. Never waits."""
        ...


class Passed:
    """The mark of a device that works while it is waited for."""

    def query(self) -> bool:
        return True


# Told the number of the step that was just given to the device, from 0. Raises Canceled to break off.
OnMark = Callable[[int, Mark], None]


class Backend(Protocol):
    """All but count_tokens() and facts() are called in the one thread of the engine."""

    def load(self) -> None:
        """Raises what stands in its way."""
        ...

    def render(self, jobs: Sequence[RenderJob], on_mark: OnMark) -> list[Image.Image]:
        """Of one key, in one go. Raises OutOfMemory, DeviceLost, and what `on_mark` raises."""
        ...

    def set_tiling(self, on: bool) -> None:
        """Whether images are decoded in parts: slower, and with less memory."""
        ...

    def free(self) -> None:
        """Gives back memory that no job needs."""
        ...

    def count_tokens(self, prompt: str) -> int: ...

    def facts(self) -> dict[str, str]:
        """What made its images: model, revision, libraries, device."""
        ...

    def memory_bytes(self) -> tuple[int, int]:
        """At the most since it was loaded, and all of the device's; 0 where nobody counts."""
        ...
