"""A request for images, validated: the same rules for the API and the pages."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidField, MissingField

ASPECT_RATIOS: dict[str, tuple[int, int]] = {
    "1:1": (1024, 1024),
    "4:3": (1152, 864),
    "3:4": (864, 1152),
    "16:9": (1280, 720),
    "9:16": (720, 1280),
}
SIZES = tuple(ASPECT_RATIOS.values())
OUTPUT_FORMATS = ("jpeg", "png", "webp")
MAX_PROMPT = 1000
MAX_N = 4
MAX_SEED = 2_147_483_647
RANDOM_SEED = -1
MIN_SIDE, MAX_SIDE, SIDE_STEP = 256, 1536, 16
MAX_ECHO = 32
USUAL: dict[str, Any] = {"model": "", "n": 1, "metadata": {}, "webhook_url": ""}
_SIZE = re.compile(r"([1-9][0-9]{2,3})[*x]([1-9][0-9]{2,3})")
_SEED = re.compile(r"-1|[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """Sides in pixels. `aspect_ratio` and `seed_text` are as they were sent, for the echo; `seed` −1 is random.

    `model`: our slug, "" for the usual one. `metadata` and `webhook_url` are the customer's own, kept with the order.
    """

    prompt: str
    aspect_ratio: str | None
    width: int
    height: int
    seed: int
    seed_text: str
    output_format: str
    model: str = ""
    n: int = 1
    metadata: Mapping[str, Any] = field(default_factory=dict)
    webhook_url: str = ""

    def digest(self, endpoint: str) -> str:
        """SHA-256 over endpoint and normalized fields: equal for requests that mean the same."""
        parts: list[Any] = [endpoint, self.prompt, self.width, self.height, self.seed, self.output_format]
        more = {"model": self.model, "n": self.n, "metadata": self.metadata, "webhook_url": self.webhook_url}
        if more != USUAL:  # so that keys which are in use stay good for what cannot name these
            parts.append(more)
        return hashlib.sha256(json.dumps(parts, ensure_ascii=True, sort_keys=True).encode()).hexdigest()


def image_count(value: Any) -> int:
    """`n` of an order, 1 when absent. Raises InvalidField."""
    if value is None:
        return 1
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_N:
        raise InvalidField(_("n is a whole number from 1 to 4"), param="n")
    return value


def parse(fields: Mapping[str, Any]) -> ImageRequest:
    """Unknown fields are ignored, null means absent. Raises MissingField or InvalidField, naming the field."""
    prompt = _prompt(fields.get("prompt"))
    aspect_ratio, width, height = _shape(fields.get("aspect_ratio"), fields.get("size"))
    seed, seed_text = _seed(fields.get("seed"))
    output_format = fields.get("output_format")
    if output_format is None:
        output_format = "jpeg"
    if not isinstance(output_format, str) or output_format not in OUTPUT_FORMATS:
        raise InvalidField(_("output_format is jpeg, png or webp"), param="output_format")
    return ImageRequest(prompt, aspect_ratio, width, height, seed, seed_text, output_format)


def is_storable(text: str) -> bool:
    """Whether databases and upstreams can take it: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _prompt(value: Any) -> str:
    if value is None:
        raise MissingField(param="prompt")
    if not isinstance(value, str):
        raise InvalidField(_("prompt must be a string"), param="prompt")
    if len(value) > MAX_PROMPT:
        raise InvalidField(_("prompt has more than 1000 characters"), param="prompt")
    if not value.strip():
        raise InvalidField(_("prompt is empty"), param="prompt")
    if not is_storable(value):
        raise InvalidField(_("prompt holds a character that is not allowed"), param="prompt")
    return value


def _shape(aspect_ratio: Any, size: Any) -> tuple[str | None, int, int]:
    if size is not None:
        echo = aspect_ratio if isinstance(aspect_ratio, str) and len(aspect_ratio) <= MAX_ECHO else None
        return echo if echo and is_storable(echo) else None, *_size(size)
    if aspect_ratio is None:
        raise MissingField(_("aspect_ratio is required, or size"), param="aspect_ratio")
    if not isinstance(aspect_ratio, str) or aspect_ratio not in ASPECT_RATIOS:
        raise InvalidField(_("aspect_ratio is 1:1, 4:3, 3:4, 16:9 or 9:16"), param="aspect_ratio")
    return aspect_ratio, *ASPECT_RATIOS[aspect_ratio]


def _size(value: Any) -> tuple[int, int]:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise InvalidField(_('size looks like "1024*1024" or "1024x1024"'), param="size")
    width, height = int(match[1]), int(match[2])
    for side in (width, height):
        if not MIN_SIDE <= side <= MAX_SIDE or side % SIDE_STEP:
            raise InvalidField(_("each side of size is 256 to 1536, a multiple of 16"), param="size")
    return width, height


def _seed(value: Any) -> tuple[int, str]:
    if value is None:
        return RANDOM_SEED, str(RANDOM_SEED)
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _SEED.fullmatch(text) or int(text) > MAX_SEED:
        raise InvalidField(_("seed is a whole number from -1 (random) to 2147483647"), param="seed")
    return int(text), text
