"""The strip under a sandbox image: the word SANDBOX and as much of the prompt as fits."""

import unicodedata
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

INK, PAPER, AMBER = (24, 21, 17), (250, 246, 238), (240, 164, 80)
LABEL = "SANDBOX"
MAX_LINES = 2
# More would not fit any strip, and measuring it would only cost time.
MAX_CHARACTERS = 400
UNDRAWABLE = "·"
# What decomposition leaves alone, although the font has an obvious stand-in.
STAND_INS = str.maketrans(
    {"–": "-", "—": "-", "ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
)


def strip_height(width: int, height: int) -> int:
    """Pixels that the strip takes at the bottom of a picture of this size."""
    return round(_text_size(width, height) * 4.4)


def add_caption(image: Image.Image, prompt: str) -> None:
    """Darken the strip at the bottom of the RGB `image`, and write on it."""
    width, height = image.size
    tall, size = strip_height(width, height), _text_size(width, height)
    image.paste(INK, (0, height - tall), Image.new("L", (width, tall), 200))
    pen = ImageDraw.Draw(image)
    margin = round(size * 1.3)
    middle = height - tall / 2

    badge_font = font_of(size)
    badge_width = badge_font.getlength(LABEL) + size * 1.6
    right = width - margin
    box = (right - badge_width, middle - size * 0.95, right, middle + size * 0.95)
    pen.rounded_rectangle(box, radius=size * 0.4, fill=AMBER)
    pen.text(
        ((box[0] + box[2]) / 2, middle), LABEL, font=badge_font, fill=INK, anchor="mm", stroke_width=size / 40
    )

    font = font_of(size)
    lines = fitting_lines(drawable(prompt), font, box[0] - 2 * margin, MAX_LINES)
    leading = size * 1.4
    for number, line in enumerate(lines):
        y = middle + (number - (len(lines) - 1) / 2) * leading
        pen.text((margin, y), line, font=font, fill=PAPER, anchor="lm")


def drawable(text: str) -> str:
    """`text` on one line in characters that the font has; a run of others becomes up to three dots."""
    plain = unicodedata.normalize("NFKD", text[:MAX_CHARACTERS].translate(STAND_INS))
    drawn: list[str] = []
    for character in plain:
        if character.isspace():
            drawn.append(" ")
        elif unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc"):
            continue
        elif has_glyph(character):
            drawn.append(character)
        elif drawn[-3:] != [UNDRAWABLE] * 3:
            drawn.append(UNDRAWABLE)
    shown = " ".join("".join(drawn).split())
    return f"{shown}…" if len(text) > MAX_CHARACTERS else shown


def fitting_lines(text: str, font: ImageFont.FreeTypeFont, width: float, most: int) -> list[str]:
    """At most `most` lines of `width` pixels, broken between words where possible, the last ellipsized."""
    lines: list[str] = []
    rest = text
    while rest and len(lines) < most:
        end = _fitting(rest, font, width)
        if end == len(rest):
            return [*lines, rest]
        if len(lines) == most - 1:
            end = _fitting(rest, font, width - font.getlength("…"))
            return [*lines, rest[:end].rstrip() + "…"]
        space = rest.rfind(" ", 1, end + 1)
        end = space if space > 0 else max(1, end)
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return lines


def _fitting(text: str, font: ImageFont.FreeTypeFont, width: float) -> int:
    """How many leading characters of `text` fit `width` pixels, by bisection."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if font.getlength(text[:middle]) <= width:
            low = middle
        else:
            high = middle - 1
    return low


def _text_size(width: int, height: int) -> int:
    return max(9, round(min(width, height) / 40))


@lru_cache(maxsize=64)
def font_of(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType: install its published wheel.")
    # The basic layout is the same on every machine, the other depends on libraries found at run time.
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4096)
def has_glyph(character: str) -> bool:
    font = font_of(20)
    missing = font.getmask("\uffff")
    mask = font.getmask(character)
    return mask.size != missing.size or bytes(mask) != bytes(missing)
