"""The sandbox: a stand-in upstream that draws a landscape, costs nothing and can be told to fail."""

import re
import time
from io import BytesIO

from django.conf import settings
from PIL import Image

from generations.providers.base import AfterCrash, Job, OnProgress, Outcome, OutcomeKind
from generations.providers.sandbox_art import draw_landscape
from generations.providers.sandbox_caption import add_caption, strip_height

SIDE_PIXELS = range(256, 1537)
# Fast rather than small: nobody pays for these bytes, but every test of every customer waits for them.
SAVE_OPTIONS: dict[str, dict[str, int | bool]] = {
    "jpeg": {"quality": 90, "subsampling": 0},
    "png": {"compress_level": 1},
    "webp": {"quality": 88, "method": 0},
}
ENDINGS = {
    "content_rejected": OutcomeKind.REJECTED,
    "failed": OutcomeKind.FAILED,
    "timeout": OutcomeKind.TIMEOUT,
}
STEERING = re.compile(
    r"(?<!\S)sandbox:(content_rejected|failed|timeout|402|429|slow=[0-9]{1,4}(?:\.[0-9]{1,3})?)(?!\S)"
)


def steered_word(prompt: str) -> str | None:
    """What the first `sandbox:…` token of the prompt asks for, such as "402", "failed" or "slow=5"."""
    found = STEERING.search(prompt)
    return found[1] if found else None


class Sandbox:
    """An upstream without a wire: takes settings.SANDBOX_SECONDS, or what `sandbox:slow=` says."""

    name = "sandbox"
    after_crash = AfterCrash.RESEND
    can_stop = True

    def generate(self, job: Job, on_progress: OnProgress) -> Outcome:
        if (
            job.width not in SIDE_PIXELS
            or job.height not in SIDE_PIXELS
            or job.output_format not in SAVE_OPTIONS
        ):
            detail = f"cannot draw {job.width}x{job.height} {job.output_format}"
            return Outcome(OutcomeKind.INVALID, detail=detail)
        word = steered_word(job.prompt) or ""
        if ending := ENDINGS.get(word):
            return Outcome(ending, detail=f"asked for by sandbox:{word}")
        if not _pretend_to_work(_seconds(word), on_progress):
            return Outcome(OutcomeKind.CANCELED)
        images = tuple(draw(job, index) for index in range(job.n))
        if not on_progress(100):
            return Outcome(OutcomeKind.CANCELED)
        return Outcome(OutcomeKind.OK, images=images)


def draw(job: Job, index: int) -> bytes:
    """The file of image `index`: the same bytes for the same prompt, seed + index, size and format."""
    ground = 1 - strip_height(job.width, job.height) / job.height
    image = draw_landscape(job.prompt, job.seed + index, job.width, job.height, ground)
    add_caption(image, job.prompt)
    return _encode(image, job.output_format)


def _encode(image: Image.Image, output_format: str) -> bytes:
    file = BytesIO()
    image.save(file, output_format, **SAVE_OPTIONS[output_format])
    return file.getvalue()


def _seconds(word: str) -> float:
    usual_s: float = settings.SANDBOX_SECONDS
    most_s: float = settings.CALL_TOTAL_S * 0.9  # the rest is for drawing
    return min(float(word.removeprefix("slow=")) if word.startswith("slow=") else usual_s, most_s)


def _pretend_to_work(seconds: float, on_progress: OnProgress) -> bool:
    """Report from 0 to under 100 percent over `seconds`, at least twice a second; False once told to stop."""
    steps = max(8, round(seconds * 2)) if seconds else 1
    started = time.monotonic()
    for step in range(steps):
        if not on_progress(100 * step // steps):
            return False
        time.sleep(max(0.0, started + seconds * (step + 1) / steps - time.monotonic()))
    return True
