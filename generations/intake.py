"""From an upstream's answer to images that may be stored: fetched at once, since some upstreams delete them after
minutes; checked; and in the format that was ordered.
"""

import asyncio
import time
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps

from generations import storage
from generations.providers.wire import Answer
from webhooks.outbound import Door, NotFetched, Origin, TooSlow

TOTAL_S = 30.0
TRIES = 3
PAUSE_S = 0.5  # doubled each time: a store that has just been written to may not show it yet
ORIENTATION_TAG = 0x0112
SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 95, "subsampling": 0},
    "png": {},
    "webp": {"quality": 95},
}
# What a colour profile can belong to; it says nothing about pixels of another kind.
COLOUR_KINDS = {"RGB": "RGB", "RGBA": "RGB", "P": "RGB", "PA": "RGB", "1": "L", "LA": "L"}


@dataclass(frozen=True, slots=True)
class Collected:
    """What came of each of the images that were asked for, in their order: an undecoded file, or why there is none."""

    results: tuple[bytes | NotFetched, ...]

    @property
    def files(self) -> list[tuple[int, bytes]]:
        """Position and bytes of those that came. Only they are paid for."""
        return [
            (index, result) for index, result in enumerate(self.results) if not isinstance(result, NotFetched)
        ]

    @property
    def failures(self) -> list[NotFetched]:
        return [result for result in self.results if isinstance(result, NotFetched)]

    @property
    def problems(self) -> list[str]:
        """For the record of the attempt."""
        return [f"not fetched ({type(failure).__name__}): {failure}" for failure in self.failures]

    @property
    def may_come_later(self) -> bool:
        """Whether it is worth to fetch what is missing once more."""
        return any(failure.may_come_later for failure in self.failures)


async def collect(door: Door, answer: Answer, n: int, trusted_origin: Origin | None) -> Collected:
    """The first `n` images of an OK answer, in at most TOTAL_S for all. Raises nothing that an upstream can cause.

    `trusted_origin`: where the operator reaches this upstream, see Door.fetch.
    """
    give_up_at = time.monotonic() + TOTAL_S
    urls = answer.image_urls[: max(0, n - len(answer.images))]
    fetched = await asyncio.gather(*(_fetch(door, url, give_up_at, trusted_origin) for url in urls))
    return Collected((*answer.images[:n], *fetched))


async def _fetch(
    door: Door, url: str, give_up_at: float, trusted_origin: Origin | None
) -> bytes | NotFetched:
    failure: NotFetched = TooSlow(f"not whole within {TOTAL_S:g} s")
    for number in range(TRIES):
        try:
            return await door.fetch(
                url,
                max_bytes=storage.MAX_IMAGE_BYTES,
                total_s=give_up_at - time.monotonic(),
                trusted_origin=trusted_origin,
            )
        except NotFetched as error:
            failure = error
        pause_s = PAUSE_S * 2**number
        if not failure.may_come_later or time.monotonic() + pause_s >= give_up_at:
            break
        if number + 1 < TRIES:
            await asyncio.sleep(pause_s)
    return failure


def prepare(data: bytes, output_format: str) -> storage.CheckedImage:
    """A file for the customer. `output_format`: jpeg, png or webp, as it was ordered. Raises UnusableImage.

    What has that format already, and stands upright, is kept to the byte: with its metadata, such as proofs of where it
    comes from that may not be removed. What is encoded anew keeps nothing but its pixels and their colour profile.
    """
    checked = storage.check(data)
    if checked.extension == output_format and _is_upright(data):
        return checked
    try:
        encoded = _encoded(data, output_format)
    except Exception as error:  # as in check(): there is no list of what a hostile file can raise
        raise storage.UnusableImage(f"cannot become {output_format}: {type(error).__name__}") from error
    return storage.check(encoded)


def _is_upright(data: bytes) -> bool:
    with Image.open(BytesIO(data)) as image:
        return bool(image.getexif().get(ORIENTATION_TAG, 1) == 1)


def _encoded(data: bytes, output_format: str) -> bytes:
    with Image.open(BytesIO(data)) as opened:
        profile = opened.info.get("icc_profile")
        kind = COLOUR_KINDS.get(opened.mode, opened.mode)
        image: Image.Image = ImageOps.exif_transpose(opened)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if output_format == "jpeg":  # which has no transparency
            ground = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(ground, image).convert("RGB")
    elif image.mode not in (("RGB",) if output_format == "webp" else ("RGB", "L")):
        image = image.convert("RGB")
    image.info.clear()  # what encoders would write of it by themselves
    options = dict(SAVE_OPTIONS[output_format])
    if profile and kind == COLOUR_KINDS.get(image.mode, image.mode):
        options["icc_profile"] = profile
    file = BytesIO()
    image.save(file, output_format, **options)
    return file.getvalue()
