"""What other sites show of a link to the shop: a plate with its name, drawn here as everything else is."""

from functools import lru_cache
from io import BytesIO
from typing import Final
from unicodedata import normalize

from PIL import Image, ImageDraw

from accounts import accent
from generations.providers.sandbox_art import draw_landscape
from generations.providers.sandbox_caption import UNDRAWABLE, drawable, fitting_lines, font_of, has_glyph

SIZE_PIXELS: Final = (1200, 630)
PAPER, INK = accent.LIGHT_PAPER, "#211c16"
PLATE: Final = (660, 70, 1130, 560)  # left, top, right, bottom
CUT: Final = 36
LINES: Final = 3
LEADING: Final = 92
UMLAUTS: Final = {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}  # as telegrams spell them
QUALITY: Final = 88


@lru_cache(maxsize=64)
def draw(name: str, colour: str) -> bytes:
    """A JPEG. `colour`: six hexadecimal digits."""
    card = Image.new("RGB", SIZE_PIXELS, PAPER)
    pen = ImageDraw.Draw(card)
    left, top, right, bottom = PLATE
    landscape = draw_landscape("mountains at first light", 10, right - left, bottom - top, 1.0)
    card.paste(landscape, (left, top), _clipped(landscape.size, CUT))
    shown = accent.on_light(f"#{colour}")
    pen.polygon(_corners((84, 84, 154, 164), 10), outline=INK, width=5)
    pen.ellipse((102, 101, 136, 147), fill=shown)
    font = font_of(76)
    lines = fitting_lines(_drawable(name), font, left - 84 - 60, LINES)
    first = 460 - LEADING * (len(lines) - 1)
    for number, line in enumerate(lines):
        at = (80, first + number * LEADING)
        pen.text(at, line, font=font, fill=INK, anchor="lm", stroke_width=1, stroke_fill=INK)
    pen.rectangle((84, 540, 184, 548), fill=shown)
    file = BytesIO()
    card.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _drawable(name: str) -> str:
    """Of the built-in font's signs: without accents where it has none, without what it has not at all."""
    signs = (
        sign if has_glyph(sign) else UMLAUTS.get(sign) or drawable(sign).replace(UNDRAWABLE, "")
        for sign in normalize("NFC", name)
    )
    return " ".join("".join(sign or " " for sign in signs).split())


def _clipped(size: tuple[int, int], cut: int) -> Image.Image:
    """The mask of a plate, drawn large so that its corners come out smooth."""
    large = (size[0] * 4, size[1] * 4)
    mask = Image.new("L", large)
    ImageDraw.Draw(mask).polygon(_corners((0, 0, *large), cut * 4), fill=255)
    return mask.resize(size, Image.Resampling.LANCZOS)


def _corners(box: tuple[int, int, int, int], cut: int) -> list[tuple[int, int]]:
    left, top, right, bottom = box
    return [
        (left + cut, top),
        (right - cut, top),
        (right, top + cut),
        (right, bottom - cut),
        (right - cut, bottom),
        (left + cut, bottom),
        (left, bottom - cut),
        (left, top + cut),
    ]
